// What is told of a job, to notifiers and to whoever watches.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace pgstow {

struct Event {
  enum class Kind {
    kStarted,     // a job has begun
    kGood,        // it made a backup, everywhere and without warnings
    kIncomplete,  // it made one, but with warnings, or a store does not have it
    kFailed,      // it made none
    kRecovered,   // as kGood, after one that was not, or after kStale
    kStale,       // there has been no good backup for 1.5 intervals of the schedule
    kTest,        // somebody tries whether the notifiers work
  };

  Kind kind = Kind::kGood;
  std::string run_id = {};  // a UUID (RFC 9562), the same in the start and the end of one job
  std::string host = {};
  std::string database = {};
  Time time = {};

  // Of a backup that was made; empty otherwise.
  std::string backup = {};
  std::uint64_t bytes = 0;      // as stored
  std::uint64_t raw_bytes = 0;  // of the archive
  std::uint64_t rows = 0;
  std::vector<std::string> stores = {};    // that have it
  std::vector<std::string> warnings = {};  // of the dump, and of stores that failed

  // Of a job that ended.
  std::chrono::milliseconds duration{0};
  int exit_code = 0;
  std::string error = {};  // why it failed, or what is stale; redacted
  std::string hint = {};
  std::string log_tail = {};  // the last lines of its log, redacted
  bool repeated = false;      // the same failure as last time, of which people were told today

  std::optional<Time> last_good = {};  // when the newest good backup's snapshot was taken
  std::optional<Time> next_run = {};
};

// "started", "good", "incomplete", "failed", "recovered", "stale", "test": part of the interface.
std::string_view to_string(Event::Kind kind);

// A UUID, version 4, for a new job.
std::string new_run_id();

// Whether somebody should look: incomplete, failed, stale.
bool is_bad(Event::Kind kind);

}  // namespace pgstow
