#include "daemon/plan.h"

#include <algorithm>
#include <array>

namespace pgstow {
namespace {

using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kFirstPause{60};
constexpr unsigned kDoublings = 6;  // 64 minutes, cut to the hour
constexpr seconds kLongestPause{3600};
constexpr std::chrono::milliseconds kMostSlack = minutes(2);

// Looked through one after the other, so that a schedule of every minute is not counted through
// years; the last one is longer than the rarest schedule's interval (29 February, 8 years).
constexpr std::array kWindows{hours(1), hours(24), hours(24 * 32), hours(24 * 366),
                              hours(24 * 366 * 9)};

Time next_due(const std::vector<CronSchedule>& schedules, Time after) {
  return next_of(schedules, floor<seconds>(after));
}

// From the due before `time` to the one after it, or to the one after that, whichever is shorter.
std::chrono::milliseconds interval_at(const std::vector<CronSchedule>& schedules, Time time) {
  const Time next = next_due(schedules, time);
  const auto second = next_due(schedules, next) - next;
  const auto before = newest_due(schedules, time - kWindows.back(), time);
  return before ? std::min(second, next - *before) : second;
}

}  // namespace

std::chrono::seconds retry_pause(unsigned failures_in_a_row) {
  const unsigned doublings = std::min(std::max(failures_in_a_row, 1U) - 1, kDoublings);
  return std::min(kFirstPause * (1U << doublings), kLongestPause);
}

Time retry_at(const Failure& failure, Time now) {
  return std::min(failure.ended, now) + retry_pause(failure.in_a_row);
}

std::optional<Time> newest_due(const std::vector<CronSchedule>& schedules, Time after, Time until) {
  for (const hours window : kWindows) {
    const Time from = std::max(after, until - window);
    Time due = next_due(schedules, from);
    if (due > until && from == after) return std::nullopt;
    if (due > until) continue;
    for (Time next = next_due(schedules, due); next <= until; next = next_due(schedules, due)) {
      due = next;
    }
    return due;
  }
  return std::nullopt;
}

Time believable(const std::vector<CronSchedule>& schedules, Time handled, Time now) {
  if (handled <= now) return handled;
  const Time next = next_due(schedules, handled);
  return handled - now > next - handled ? now : handled;
}

Plan plan_next(const std::vector<CronSchedule>& schedules, const PlanFacts& facts) {
  const Time handled = facts.handled;
  if (const auto past = newest_due(schedules, handled, facts.now)) {
    const Plan::Why why = *past <= facts.began ? Plan::Why::kMissed : Plan::Why::kDue;
    return {.why = why, .at = *past, .due = *past};
  }
  const Time due = next_due(schedules, std::max(handled, facts.now));
  if (facts.failure) {
    const Time again = retry_at(*facts.failure, facts.now);
    if (again < due) return {.why = Plan::Why::kRetry, .at = again, .due = facts.failure->due};
  }
  return {.why = Plan::Why::kDue, .at = due, .due = due};
}

Time handled_at_start(const std::vector<CronSchedule>& schedules, std::optional<Time> newest,
                      bool catch_up, Time now) {
  if (!catch_up) return now;
  const auto past = newest_due(schedules, now - kWindows.back(), now);
  if (!past) return now;
  const bool covered = newest && *newest >= covering_from(schedules, *past);
  return covered ? std::max(now, *newest) : *past - seconds(1);
}

Time covering_from(const std::vector<CronSchedule>& schedules, Time due) {
  const auto interval = next_due(schedules, due) - due;
  return due - std::min<std::chrono::milliseconds>(interval / 4, kMostSlack);
}

Time stale_from(const std::vector<CronSchedule>& schedules, Time newest) {
  const auto interval = interval_at(schedules, newest);
  return std::max(next_due(schedules, newest) + interval / 2, newest + interval + interval / 2);
}

}  // namespace pgstow
