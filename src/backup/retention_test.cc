#include "backup/retention.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace pgstow {
namespace {

using namespace std::chrono;
using Worth = RetentionCandidate::Worth;

const Zone& utc_zone() {
  static const Zone zone = Zone::load("UTC");
  return zone;
}

Time at(int y, unsigned m, unsigned d, int hour = 3) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour);
}

RetentionCandidate backup(Time time, Worth worth = Worth::kProven) {
  return {.key = fmt::format("backup_{}", time.time_since_epoch().count()),
          .time = time,
          .worth = worth,
          .pinned = false};
}

std::vector<RetentionCandidate> every_day(int count, Time newest) {
  std::vector<RetentionCandidate> list;
  for (int i = 0; i < count; ++i) list.push_back(backup(newest - days(i)));
  return list;
}

std::vector<Time> kept(const std::vector<RetentionCandidate>& list, const RetentionRule& rule,
                       Time now, const Zone& zone = utc_zone()) {
  std::vector<Time> times;
  const std::vector<Reasons> reasons = judge(list, now, rule, zone);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!reasons[i].empty()) times.push_back(list[i].time);
  }
  return times;
}

TEST(Retention, SevenFourTwelveOfTwoYearsOfDays) {
  const Time now = at(2026, 11, 24, 4);  // a Tuesday
  const auto list = every_day(730, at(2026, 11, 24));
  std::vector<Time> expected;
  for (int i = 0; i < 7; ++i) expected.push_back(at(2026, 11, 24) - days(i));
  // Weeks: 24 and 22 November are among the seven days already.
  expected.push_back(at(2026, 11, 15));
  expected.push_back(at(2026, 11, 8));
  for (unsigned m = 10; m >= 1; --m) {
    expected.push_back(sys_days(year(2026) / month(m) / last) + hours(3));
  }
  expected.push_back(at(2025, 12, 31));
  EXPECT_EQ(kept(list, {}, now), expected);
}

TEST(Retention, SaysWhy) {
  const auto list = every_day(40, at(2026, 11, 24));
  const auto reasons = judge(list, at(2026, 11, 24, 4), {}, utc_zone());
  using ::testing::ElementsAre;
  EXPECT_THAT(reasons[0],
              ElementsAre("newest", "day 2026-11-24", "week 2026-W48", "month 2026-11"));
  EXPECT_THAT(reasons[1], ElementsAre("day 2026-11-23"));
  EXPECT_THAT(reasons[2], ElementsAre("day 2026-11-22", "week 2026-W47"));
  EXPECT_THAT(reasons[9], ElementsAre("week 2026-W46"));
  EXPECT_THAT(reasons[24], ElementsAre("month 2026-10"));
  EXPECT_THAT(reasons[30], ElementsAre());
}

TEST(Retention, EveryBackupOfADayOrOne) {
  std::vector<RetentionCandidate> list;
  for (int hour = 0; hour < 24; hour += 6) list.push_back(backup(at(2026, 11, 24, hour)));
  EXPECT_EQ(kept(list, {}, at(2026, 11, 25)).size(), 4U);
  EXPECT_EQ(kept(list, {.one_a_day = true}, at(2026, 11, 25)),
            std::vector<Time>{at(2026, 11, 24, 18)});
}

TEST(Retention, DaysBeginInTheZone) {
  const Zone tokyo = Zone::load("Asia/Tokyo");
  const std::vector list{backup(at(2026, 11, 23, 14)), backup(at(2026, 11, 23, 16))};
  const RetentionRule rule{.daily = 2, .weekly = 0, .monthly = 0, .one_a_day = true};
  EXPECT_EQ(kept(list, rule, at(2026, 11, 24)).size(), 1U);
  EXPECT_EQ(kept(list, rule, at(2026, 11, 24), tokyo).size(), 2U);
}

TEST(Retention, OldBackupsOfAScheduleThatStoodStillStay) {
  const auto list = every_day(7, at(2020, 1, 7));
  EXPECT_EQ(kept(list, {}, at(2026, 11, 24)).size(), 7U);
}

TEST(Retention, OneFromTheFutureStaysAndCountsForNothing) {
  auto list = every_day(7, at(2026, 11, 24));
  const auto before = kept(list, {}, at(2026, 11, 24, 4));
  for (int i = 0; i < 9; ++i) list.push_back(backup(at(2099, 1, 1) + days(i * 40)));
  EXPECT_EQ(kept(list, {}, at(2026, 11, 24, 4)).size(), before.size() + 9);
  EXPECT_EQ(kept(list, {}, at(1970, 1, 2)).size(), list.size());
}

TEST(Retention, AProvenOneGoesBeforeOneWithoutProof) {
  const RetentionRule monthly{.daily = 0, .weekly = 0, .monthly = 12};
  const std::vector list{backup(at(2026, 10, 1)), backup(at(2026, 9, 28), Worth::kNoProof),
                         backup(at(2026, 9, 2)), backup(at(2026, 8, 9), Worth::kNoProof)};
  EXPECT_EQ(kept(list, monthly, at(2026, 11, 1)),
            (std::vector<Time>{at(2026, 10, 1), at(2026, 9, 2), at(2026, 8, 9)}));
}

TEST(Retention, NoRuleRemovesTheNewestGoodOne) {
  const RetentionRule nothing{.daily = 0, .weekly = 0, .monthly = 0};
  const std::vector list{backup(at(2026, 11, 24), Worth::kDamaged),
                         backup(at(2026, 11, 23), Worth::kNoProof), backup(at(2026, 11, 22)),
                         backup(at(2026, 11, 21)), backup(at(2026, 11, 20), Worth::kDamaged)};
  EXPECT_EQ(kept(list, nothing, at(2026, 11, 24)),
            (std::vector<Time>{at(2026, 11, 24), at(2026, 11, 23), at(2026, 11, 22)}));
}

TEST(Retention, LastWithinYearsAndPins) {
  auto list = every_day(1000, at(2026, 11, 24));
  list[500].pinned = true;
  const Time now = at(2026, 11, 24, 4);
  const RetentionRule none{.daily = 0, .weekly = 0, .monthly = 0};
  RetentionRule rule = none;
  EXPECT_EQ(kept(list, rule, now), (std::vector<Time>{list[0].time, list[500].time}));
  rule.last = 3;
  EXPECT_EQ(kept(list, rule, now).size(), 4U);
  rule = none;
  rule.within = hours(24 * 10);
  EXPECT_EQ(kept(list, rule, now).size(), 12U);
  rule = none;
  rule.yearly = 3;
  EXPECT_EQ(kept(list, rule, now),
            (std::vector<Time>{list[0].time, at(2025, 12, 31), list[500].time, at(2024, 12, 31)}));
}

// ---- properties -------------------------------------------------------------------------------

// The slow, obvious way: by the words of the rule, one backup after the other.
class Oracle {
 public:
  Oracle(const std::vector<RetentionCandidate>& list, Time now, const RetentionRule& rule)
      : list_(list), now_(now), rule_(rule) {}

  bool keeps(const RetentionCandidate& b) const {
    if (b.pinned || in_future(b)) return true;
    const bool proven_newer = std::ranges::any_of(list_, [&](const auto& other) {
      return counts(other) && other.worth == Worth::kProven && other.time > b.time;
    });
    if (b.worth == Worth::kDamaged) {
      return !proven_newer || among(b, rule_.daily, day_of);
    }
    if (rank(b, false) == 0) return true;
    if (b.worth == Worth::kProven && rank(b, true) == 0) return true;
    if (rank(b, false) < rule_.last) return true;
    if (rule_.within.count() > 0 && newest_time() - b.time <= rule_.within) return true;
    if (among(b, rule_.daily, day_of) && (!rule_.one_a_day || best(b, day_of))) return true;
    return (among(b, rule_.weekly, week_of) && best(b, week_of)) ||
           (among(b, rule_.monthly, month_of) && best(b, month_of)) ||
           (among(b, rule_.yearly, year_of) && best(b, year_of));
  }

 private:
  using Key = std::vector<int>;

  bool in_future(const RetentionCandidate& b) const { return b.time > now_ + hours(24); }
  bool counts(const RetentionCandidate& b) const {
    return !in_future(b) && b.worth != Worth::kDamaged;
  }
  static year_month_day date(const RetentionCandidate& b) {
    return year_month_day(floor<days>(b.time));
  }
  static Key day_of(const RetentionCandidate& b) {
    return {static_cast<int>(floor<days>(b.time).time_since_epoch().count())};
  }
  static Key week_of(const RetentionCandidate& b) {
    sys_days day = floor<days>(b.time);
    while (weekday(day) != Monday) day -= days(1);
    return {static_cast<int>(day.time_since_epoch().count())};
  }
  static Key month_of(const RetentionCandidate& b) {
    return {static_cast<int>(date(b).year()),
            static_cast<int>(static_cast<unsigned>(date(b).month()))};
  }
  static Key year_of(const RetentionCandidate& b) { return {static_cast<int>(date(b).year())}; }

  static bool newer(const RetentionCandidate& a, const RetentionCandidate& b) {
    return a.time != b.time ? a.time > b.time : a.key > b.key;
  }
  int rank(const RetentionCandidate& b, bool proven) const {
    return static_cast<int>(std::ranges::count_if(list_, [&](const auto& other) {
      return counts(other) && (!proven || other.worth == Worth::kProven) && newer(other, b);
    }));
  }
  Time newest_time() const {
    Time newest = Time::min();
    for (const auto& b : list_) {
      if (counts(b)) newest = std::max(newest, b.time);
    }
    return newest;
  }
  template <typename Of>
  bool among(const RetentionCandidate& b, int count, Of of) const {
    std::set<Key> later;
    for (const auto& other : list_) {
      if (counts(other) && of(other) > of(b)) later.insert(of(other));
    }
    return static_cast<int>(later.size()) < count;
  }
  template <typename Of>
  bool best(const RetentionCandidate& b, Of of) const {
    return std::ranges::none_of(list_, [&](const auto& other) {
      if (!counts(other) || of(other) != of(b)) return false;
      if (other.worth != b.worth) return other.worth == Worth::kProven;
      return newer(other, b);
    });
  }

  const std::vector<RetentionCandidate>& list_;
  Time now_;
  const RetentionRule& rule_;
};

struct History {
  std::vector<RetentionCandidate> list;
  Time now;
  RetentionRule rule;
};

History random_history(std::mt19937_64& engine) {
  const auto below = [&](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
  const int size = 1 + below(14);
  const int span_hours = 6 << below(12);  // from half a day to three years
  History history;
  history.now = at(2026, 1, 1) + hours(below(24 * 400));
  for (int i = 0; i < size; ++i) {
    RetentionCandidate b = backup(history.now - hours(below(span_hours)));
    b.key += fmt::format("_{}", i);
    const int kind = below(10);
    b.worth = kind == 0 ? Worth::kDamaged : kind < 3 ? Worth::kNoProof : Worth::kProven;
    b.pinned = below(20) == 0;
    if (below(40) == 0) b.time += hours(24 * 400);
    history.list.push_back(b);
  }
  history.rule = {.daily = below(8),
                  .weekly = below(5),
                  .monthly = below(13),
                  .yearly = below(3),
                  .last = below(4),
                  .within = hours(below(3) == 0 ? below(100) : 0),
                  .one_a_day = below(2) == 0};
  return history;
}

TEST(Retention, AMillionHistoriesAsTheOracleJudgesThem) {
  std::mt19937_64 engine(20261124);
  std::uint64_t removed = 0;
  std::uint64_t all = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const History h = random_history(engine);
    const std::vector<Reasons> reasons = judge(h.list, h.now, h.rule, utc_zone());
    const Oracle oracle(h.list, h.now, h.rule);
    for (std::size_t k = 0; k < h.list.size(); ++k) {
      ASSERT_EQ(!reasons[k].empty(), oracle.keeps(h.list[k]))
          << "history " << i << ", backup " << k;
      removed += reasons[k].empty() ? 1 : 0;
    }
    all += h.list.size();
  }
  RecordProperty("backups", std::to_string(all));
  EXPECT_GT(removed, all / 10);  // the histories do ask something of the rule
  EXPECT_LT(removed, all * 9 / 10);
}

// What is left after a removal is judged as it was: retention may run as often as it likes, and a
// run that was cut short is ended by the next.
TEST(Retention, IsTheSameAfterItself) {
  std::mt19937_64 engine(7);
  for (int i = 0; i < 100'000; ++i) {
    History h = random_history(engine);
    std::vector<Reasons> reasons = judge(h.list, h.now, h.rule, utc_zone());
    std::vector<RetentionCandidate> left;
    for (std::size_t k = 0; k < h.list.size(); ++k) {
      // Removal has two steps: of a backup that lost its manifest only, the archive is left.
      if (!reasons[k].empty()) {
        left.push_back(h.list[k]);
      } else if (engine() % 3 == 0 && h.list[k].worth == Worth::kProven) {
        left.push_back(h.list[k]);
        left.back().worth = Worth::kNoProof;
        left.back().key += "!";
      }
    }
    const std::vector<Reasons> again = judge(left, h.now, h.rule, utc_zone());
    for (std::size_t k = 0; k < left.size(); ++k) {
      ASSERT_EQ(!again[k].empty(), !left[k].key.ends_with('!')) << "history " << i;
    }
  }
}

TEST(Retention, TheOrderOfTheListIsNothing) {
  std::mt19937_64 engine(8);
  for (int i = 0; i < 20'000; ++i) {
    History h = random_history(engine);
    std::map<std::string, Reasons> by_key;
    const auto first = judge(h.list, h.now, h.rule, utc_zone());
    for (std::size_t k = 0; k < h.list.size(); ++k) by_key[h.list[k].key] = first[k];
    std::ranges::shuffle(h.list, engine);
    const auto second = judge(h.list, h.now, h.rule, utc_zone());
    for (std::size_t k = 0; k < h.list.size(); ++k) ASSERT_EQ(by_key[h.list[k].key], second[k]);
  }
}

}  // namespace
}  // namespace pgstow
