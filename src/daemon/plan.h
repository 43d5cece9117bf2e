// When the next backup is to be made, and why: pure functions of schedules, time and what has been
// done so far.
//
// Each instant that a schedule names (due) gets one job. Several that have passed together, while
// the host slept or the clock was put forward, get one job for all of them. A job that failed is
// tried again, with pauses that grow, until the next one is due. Where the clock is put back, what
// was done is not done again, unless that would leave out more than a whole interval.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "daemon/cron.h"

namespace pgstow {

// A job that made no backup, or one that some store misses.
struct Failure {
  Time due = {};
  Time ended = {};
  unsigned in_a_row = 1;
};

struct PlanFacts {
  Time now = {};
  Time handled = {};                    // what was due until then is done with
  std::optional<Failure> failure = {};  // of the last job, if it failed
  Time began = {};                      // the service; what was due before was missed
};

struct Plan {
  enum class Why { kDue, kMissed, kRetry };

  Why why = Why::kDue;
  Time at = {};   // may be past: at once
  Time due = {};  // what it is made for
};

// `handled`, as far as it can be believed. Before a clock was put back, jobs were done that are now
// in the future: that is kept, unless more than an interval would go by without a job; then what is
// past now is handled. Whoever waits for the plan has to keep the answer, or `now` would run ahead.
Time believable(const std::vector<CronSchedule>& schedules, Time handled, Time now);

// `facts.handled` is believable.
Plan plan_next(const std::vector<CronSchedule>& schedules, const PlanFacts& facts);

// Until when dues are handled when a service begins. `newest` is the newest good backup there is;
// none: with `catch_up` the newest past due is to be made up for. Without it nothing is.
Time handled_at_start(const std::vector<CronSchedule>& schedules, std::optional<Time> newest,
                      bool catch_up, Time now);

// A backup that was begun then, or later, is the one that `due` asks for: clocks of hosts differ.
Time covering_from(const std::vector<CronSchedule>& schedules, Time due);

// When a newest good backup of that time is stale: 1.5 intervals of the schedules later, and half
// an interval after the next due.
Time stale_from(const std::vector<CronSchedule>& schedules, Time newest);

// The newest due instant in (after, until].
std::optional<Time> newest_due(const std::vector<CronSchedule>& schedules, Time after, Time until);

// When it is tried again. Where the clock was put back since, its end lies in the future.
Time retry_at(const Failure& failure, Time now);

// Before the next try, after so many failures: a minute, doubled each time, an hour at most.
std::chrono::seconds retry_pause(unsigned failures_in_a_row);

}  // namespace pgstow
