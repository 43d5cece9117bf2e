// A standing with everything in it, for the tests.
#pragma once

#include "daemon/standing.h"

namespace pgstow {

inline Standing testing_standing() {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  const Time now(milliseconds(1795381528123));
  return {.version = "1.2.3",
          .database = "shop",
          .schedules = {"0 3 * * * UTC"},
          .now = now,
          .service_started = now - hours(100),
          .job_started = now - milliseconds(2000),
          .job_fraction = 0.25,
          .next_run = now + hours(5),
          .last_good = GoodBackup{.key = "backup_20261122_210528.dump.gz",
                                  .time = now - hours(19),
                                  .bytes = 1'740'000,
                                  .raw_bytes = 5'540'000,
                                  .rows = 23560,
                                  .duration = milliseconds(1500)},
          .last_job = LastJob{.kind = Event::Kind::kIncomplete,
                              .run_id = "6a6e2f2e-0000-4000-8000-000000000000",
                              .started = now - hours(19),
                              .ended = now - hours(18),
                              .error = "s3: no answer",
                              .hint = {}},
          .failures_in_a_row = 2,
          .jobs = {.good = 40, .incomplete = 3, .failed = 4, .elsewhere = 5},
          .removed = 17,
          .notifications_failed = 6,
          .stale_from = now + hours(17),
          .stores = {{.name = "local",
                      .reachable = true,
                      .problem = {},
                      .backups = 20,
                      .bytes = 34'000'000'000,
                      .newest = now - hours(19),
                      .looked = now - hours(18)},
                     {.name = "s3:far",
                      .reachable = false,
                      .problem = "no answer",
                      .backups = 0,
                      .bytes = 0,
                      .newest = {},
                      .looked = now}}};
}

}  // namespace pgstow
