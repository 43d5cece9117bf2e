// How things are just now: what status prints, and what metrics and health are made of.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "daemon/event.h"

namespace pgstow {

// What a store held when it was looked at last.
struct StoreStanding {
  std::string name = {};
  bool reachable = true;
  std::string problem = {};  // why not
  std::uint64_t backups = 0;
  std::uint64_t bytes = 0;
  std::optional<Time> newest = {};  // good one's snapshot
  Time looked = {};
};

// The newest good backup, wherever it lies.
struct GoodBackup {
  std::string key = {};
  Time time = {};  // of its snapshot
  std::uint64_t bytes = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t rows = 0;
  std::chrono::milliseconds duration{0};
};

// One of several databases.
struct DatabaseStanding {
  std::string name = {};
  std::optional<GoodBackup> last_good = {};
};

// How many jobs ended so, since this host's state began.
struct JobCounts {
  std::uint64_t good = 0;
  std::uint64_t incomplete = 0;
  std::uint64_t failed = 0;
  std::uint64_t elsewhere = 0;  // due here, made by another host
};

struct LastJob {
  Event::Kind kind = Event::Kind::kGood;
  std::string run_id = {};
  Time started = {};
  Time ended = {};
  std::string error = {};
  std::string hint = {};
  bool lasting = true;  // of an incomplete one: there is more to it than stores without a backup
};

struct Standing {
  std::string version = {};
  std::string database = {};
  std::vector<std::string> schedules = {};  // "0 3 * * * Europe/Berlin"
  Time now = {};
  std::optional<Time> service_started = {};  // nothing: no service runs
  bool moves = true;                         // its thread was alive a moment ago
  std::optional<Time> job_started = {};      // nothing: none is running
  double job_fraction = -1;                  // 0..1; negative: not known
  std::optional<Time> next_run = {};
  std::optional<GoodBackup> last_good = {};
  std::optional<Time> needed = {};  // each store of this host should have a backup this new
  std::optional<LastJob> last_job = {};
  unsigned failures_in_a_row = 0;
  JobCounts jobs = {};
  std::uint64_t removed = 0;               // backups, by rotation
  std::uint64_t notifications_failed = 0;  // given up
  std::optional<Time> stale_from = {};     // when the newest good backup is too old; may be past
  std::vector<StoreStanding> stores = {};
  std::vector<DatabaseStanding> databases = {};  // where there are several

  bool stale() const { return stale_from && now >= *stale_from; }
};

}  // namespace pgstow
