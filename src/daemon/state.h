// What this host remembers of the jobs of one database, from run to run: a small JSON file.
//
// A convenience only: the newest good backup is what the stores say. A file that is lost or damaged
// costs counters. Format pgstow.state/1, in the state folder as state-DATABASE.json.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "daemon/cron.h"
#include "daemon/event.h"
#include "daemon/standing.h"

namespace pgstow {

struct State {
  Time since = {};                   // when this state began
  std::optional<Time> handled = {};  // what was due until then is done with
  std::optional<LastJob> last_job = {};
  std::optional<GoodBackup> last_good = {};
  std::map<std::string, Time> lacking = {};  // of several databases: without any, seen so since
  std::optional<Time> own_good = {};         // of the newest one that was made on this host
  std::string server = {};                   // system identifier of the server it was made of
  unsigned failures_in_a_row = 0;
  bool bad = false;  // the last event but kStarted was a bad one
  JobCounts jobs = {};
  std::uint64_t removed = 0;
  std::uint64_t notifications_failed = 0;
  std::optional<Time> stale_told = {};   // when it was told that the newest good one is stale
  std::optional<Time> failed_told = {};  // when people were told of the last job's failure
  std::optional<Time> next_run = {};     // as the service planned it after its last job
};

std::string to_json(const State& state);
// Throws Corrupt.
State parse_state(std::string_view text);

// From when staleness is measured: the newest good backup, but not before the last job that was not
// a failure had ended, or a job that takes longer than its interval would always be stale. Where
// one of several databases has none: from when that was first seen, if that is longer ago.
Time age_reference(const State& state);

// Those that have no backup, each with the time it has in `before`, or now. What is not among
// `databases` is forgotten, if these are `all` there are.
std::map<std::string, Time> still_lacking(const std::map<std::string, Time>& before,
                                          const std::vector<DatabaseStanding>& databases, bool all,
                                          Time now);

// What a stale state lacks, in words.
std::string stale_text(const State& state);

// How things stand by this state; of the service and the stores it tells nothing.
Standing standing_of(const State& state, const std::string& database,
                     const std::vector<CronSchedule>& schedules, Time now);

// The state of one database on this host. Thread-safe, also among processes: each change holds a
// lock of its file.
class StateFile {
 public:
  StateFile(std::filesystem::path folder, const std::string& database);

  // An empty state that begins now when there is none, or none that can be read (a warning).
  State read(const Context& context) const;
  // Changes and writes it; returns what was written. Where it can't be written, the change is kept
  // in memory for this process's next ones, and a warning is logged: the service goes on.
  State change(const std::function<void(State&)>& change, const Context& context);

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::optional<State> stored(const Context& context) const;

  const std::filesystem::path folder_;
  const std::string key_;
  mutable std::mutex mutex_;        // guards unwritten_
  std::optional<State> unwritten_;  // the newest state, while the file is older
};

}  // namespace pgstow
