#include "backup/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

namespace pgstow {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;
using Worth = RetentionCandidate::Worth;

// A number that is larger for later periods.
using Period = std::int64_t;
using PeriodOf = std::function<Period(local_days)>;

Period day_of(local_days day) { return day.time_since_epoch().count(); }

Period week_of(local_days day) {
  const std::chrono::weekday weekday(day);
  return (day - days(weekday.iso_encoding() - 1)).time_since_epoch().count();  // its Monday
}

Period month_of(local_days day) {
  const year_month_day date(day);
  return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month()));
}

Period year_of(local_days day) { return static_cast<int>(year_month_day(day).year()); }

std::string day_name(local_days day) {
  const year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

// ISO 8601: the week belongs to the year that has its Thursday.
std::string week_name(local_days day) {
  const local_days thursday = local_days(days(week_of(day))) + days(3);
  const std::chrono::year year = year_month_day(thursday).year();
  const local_days first(year / std::chrono::January / 1);
  return fmt::format("{:04}-W{:02}", static_cast<int>(year), (thursday - first).count() / 7 + 1);
}

// One judgement: the backups newest first, and the reasons found so far.
class Judgement {
 public:
  Judgement(std::span<const RetentionCandidate> backups, Time now, const Zone& zone)
      : backups_(backups), reasons_(backups.size()) {
    order_.resize(backups.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::sort(order_, [&](std::size_t a, std::size_t b) {
      return std::tie(backups[a].time, backups[a].key) > std::tie(backups[b].time, backups[b].key);
    });
    for (const RetentionCandidate& backup : backups) {
      const auto second = std::chrono::floor<std::chrono::seconds>(backup.time);
      days_.push_back(std::chrono::floor<days>(zone.to_local(second)));
    }
    for (const std::size_t i : order_) {
      if (is_of_future(backups[i].time, now)) {
        reasons_[i].push_back("dated in the future");
      } else if (!backups[i].doubt.empty()) {
        reasons_[i].push_back(backups[i].doubt);
      } else if (backups[i].worth == Worth::kDamaged) {
        damaged_.push_back(i);
      } else {
        counted_.push_back(i);
      }
    }
  }

  void keep_always() {
    for (const std::size_t i : order_) {
      if (backups_[i].pinned) reasons_[i].push_back("pinned");
    }
    if (counted_.empty()) return;
    reasons_[counted_.front()].push_back("newest");
    const auto proven = newest_proven();
    if (proven && *proven != counted_.front()) reasons_[*proven].push_back("newest with a proof");
  }

  void keep_last(int count) {
    for (std::size_t n = 0; n < counted_.size() && std::cmp_less(n, count); ++n) {
      reasons_[counted_[n]].push_back(fmt::format("last {} of {}", n + 1, count));
    }
  }

  void keep_within(std::chrono::seconds span) {
    if (span.count() == 0 || counted_.empty()) return;
    const Time newest = backups_[counted_.front()].time;
    for (const std::size_t i : counted_) {
      if (backups_[i].time >= newest - span) reasons_[i].push_back("recent");
    }
  }

  void keep_days(int count) {
    for (const std::size_t i : counted_) {
      if (is_in_newest(i, count, day_of)) reasons_[i].push_back("day " + day_name(days_[i]));
    }
  }

  void keep_one(int count, std::string_view word, const PeriodOf& period_of,
                const std::function<std::string(local_days)>& name) {
    for (const std::size_t i : counted_) {
      if (is_in_newest(i, count, period_of) && is_best_of(i, period_of)) {
        reasons_[i].push_back(fmt::format("{} {}", word, name(days_[i])));
      }
    }
  }

  void keep_damaged(int daily) {
    const auto proven = newest_proven();
    for (const std::size_t i : damaged_) {
      const bool superseded = proven && backups_[*proven].time > backups_[i].time;
      if (!superseded || is_in_newest(i, daily, day_of)) reasons_[i].push_back("damaged");
    }
  }

  std::vector<Reasons> take() { return std::move(reasons_); }

 private:
  std::optional<std::size_t> newest_proven() const {
    const auto found = std::ranges::find_if(
        counted_, [&](std::size_t i) { return backups_[i].worth == Worth::kProven; });
    if (found == counted_.end()) return std::nullopt;
    return *found;
  }

  // Whether fewer than `count` later periods have a backup that counts.
  bool is_in_newest(std::size_t i, int count, const PeriodOf& period_of) const {
    const Period own = period_of(days_[i]);
    int later = 0;
    std::optional<Period> latest;
    for (const std::size_t other : counted_) {
      const Period period = period_of(days_[other]);
      if (period <= own || later >= count) break;
      if (period != latest) ++later;
      latest = period;
    }
    return later < count;
  }

  // Whether it is the newest proven one of its period or, if there is none, the newest one.
  bool is_best_of(std::size_t i, const PeriodOf& period_of) const {
    const Period own = period_of(days_[i]);
    std::optional<std::size_t> best;
    for (const std::size_t other : counted_) {
      if (period_of(days_[other]) != own) continue;
      if (!best) best = other;
      if (backups_[other].worth == Worth::kProven) {
        best = other;
        break;
      }
    }
    return best == i;
  }

  std::span<const RetentionCandidate> backups_;
  std::vector<local_days> days_;      // by index of backups_
  std::vector<std::size_t> order_;    // newest first
  std::vector<std::size_t> counted_;  // of these, those that count
  std::vector<std::size_t> damaged_;
  std::vector<Reasons> reasons_;
};

std::string month_name(local_days day) { return day_name(day).substr(0, 7); }
std::string year_name(local_days day) { return day_name(day).substr(0, 4); }

}  // namespace

bool is_of_future(Time time, Time now) { return time > now + std::chrono::hours(24); }

std::vector<Reasons> judge(std::span<const RetentionCandidate> backups, Time now,
                           const RetentionRule& rule, const Zone& zone) {
  Judgement judgement(backups, now, zone);
  judgement.keep_always();
  judgement.keep_last(rule.last);
  judgement.keep_within(rule.within);
  if (rule.one_a_day) {
    judgement.keep_one(rule.daily, "day", day_of, day_name);
  } else {
    judgement.keep_days(rule.daily);
  }
  judgement.keep_one(rule.weekly, "week", week_of, week_name);
  judgement.keep_one(rule.monthly, "month", month_of, month_name);
  judgement.keep_one(rule.yearly, "year", year_of, year_name);
  judgement.keep_damaged(rule.daily);
  return judgement.take();
}

}  // namespace pgstow
