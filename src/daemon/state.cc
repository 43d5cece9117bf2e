#include "daemon/state.h"

#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include "backup/catalogue.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "daemon/plan.h"
#include "store/local.h"
#include "store/lock.h"

namespace pgstow {
namespace {

constexpr std::string_view kSchema = "pgstow.state/1";
constexpr int kLockTries = 50;
constexpr std::chrono::milliseconds kLockPause{100};

namespace json = boost::json;

std::optional<Time> get_time(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains(member);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto time = parse_rfc3339(get_string(object, member, "state"));
  if (!time) throw Corrupt("state: " + std::string(member) + " is no time");
  return time;
}

Time need_time(const json::object& object, std::string_view member) {
  const auto time = get_time(object, member);
  if (!time) throw Corrupt("state: " + std::string(member) + " is missing");
  return *time;
}

json::value job_value(const std::optional<LastJob>& job) {
  if (!job) return nullptr;
  return json::object{{"outcome", to_string(job->kind)},
                      {"run_id", job->run_id},
                      {"started", rfc3339(job->started)},
                      {"ended", rfc3339(job->ended)},
                      {"error", job->error},
                      {"hint", job->hint},
                      {"lasting", job->lasting}};
}

Event::Kind parse_kind(const std::string& text) {
  for (const auto kind : {Event::Kind::kGood, Event::Kind::kIncomplete, Event::Kind::kFailed}) {
    if (text == to_string(kind)) return kind;
  }
  throw Corrupt("state: no outcome: " + text);
}

std::optional<LastJob> get_job(const json::object& object) {
  const json::value* value = object.if_contains("last_job");
  if (value == nullptr || value->is_null()) return std::nullopt;
  const json::object& job = as_object(*value, "state");
  return LastJob{.kind = parse_kind(get_string(job, "outcome", "state")),
                 .run_id = get_string(job, "run_id", "state"),
                 .started = need_time(job, "started"),
                 .ended = need_time(job, "ended"),
                 .error = get_string(job, "error", "state"),
                 .hint = get_string(job, "hint", "state"),
                 .lasting = !job.contains("lasting") || get_bool(job, "lasting", "state")};
}

json::value good_value(const std::optional<GoodBackup>& good) {
  if (!good) return nullptr;
  return json::object{{"backup", good->key},  {"time", rfc3339(good->time)},
                      {"bytes", good->bytes}, {"raw_bytes", good->raw_bytes},
                      {"rows", good->rows},   {"duration_ms", good->duration.count()}};
}

std::optional<GoodBackup> get_good(const json::object& object) {
  const json::value* value = object.if_contains("last_good");
  if (value == nullptr || value->is_null()) return std::nullopt;
  const json::object& good = as_object(*value, "state");
  return GoodBackup{.key = get_string(good, "backup", "state"),
                    .time = need_time(good, "time"),
                    .bytes = get_uint(good, "bytes", "state"),
                    .raw_bytes = get_uint(good, "raw_bytes", "state"),
                    .rows = get_uint(good, "rows", "state"),
                    .duration = std::chrono::milliseconds(get_uint(good, "duration_ms", "state"))};
}

// Held for a moment by each change, so whoever finds it taken only waits.
FileLock lock_state(const std::filesystem::path& folder, const std::string& key,
                    const Context& context) {
  for (int tries = 1;; ++tries) {
    try {
      return FileLock::acquire(folder, key, "a change of " + key,
                               lock_holder(context.clock.now(), "state"));
    } catch (const Locked&) {
      if (tries == kLockTries) throw;
      std::this_thread::sleep_for(kLockPause);
    }
  }
}

// What another host made may be in a store that this host shares with it, and in no other here.
std::optional<Time> needed(const State& state) {
  if (!state.last_good) return std::nullopt;
  const Time newest = state.last_good->time;
  const bool elsewhere = state.own_good ? newest > *state.own_good : state.jobs.elsewhere > 0;
  return elsewhere ? state.own_good : newest;
}

json::object lacking_object(const State& state) {
  json::object o;
  for (const auto& [database, since] : state.lacking) o[database] = json_time(since);
  return o;
}

// States of before this was remembered have none.
std::map<std::string, Time> get_lacking(const json::object& o) {
  std::map<std::string, Time> lacking;
  const json::value* all = o.if_contains("lacking");
  if (all == nullptr || !all->is_object()) return lacking;
  for (const auto& [database, since] : all->get_object()) {
    lacking.emplace(database, need_time(all->get_object(), database));
  }
  return lacking;
}

}  // namespace

std::string to_json(const State& state) {
  return pretty(json::object{{"schema", kSchema},
                             {"since", rfc3339(state.since)},
                             {"handled", json_time(state.handled)},
                             {"last_job", job_value(state.last_job)},
                             {"last_good", good_value(state.last_good)},
                             {"own_good", json_time(state.own_good)},
                             {"server", state.server},
                             {"failures_in_a_row", state.failures_in_a_row},
                             {"bad", state.bad},
                             {"good", state.jobs.good},
                             {"incomplete", state.jobs.incomplete},
                             {"failed", state.jobs.failed},
                             {"elsewhere", state.jobs.elsewhere},
                             {"removed", state.removed},
                             {"notifications_failed", state.notifications_failed},
                             {"stale_told", json_time(state.stale_told)},
                             {"failed_told", json_time(state.failed_told)},
                             {"next_run", json_time(state.next_run)},
                             {"lacking", lacking_object(state)}}) +
         "\n";
}

State parse_state(std::string_view text) {
  const json::object o = parse_json_object(text, "state");
  if (get_string(o, "schema", "state") != kSchema) throw Corrupt("state: another format");
  State state;
  state.since = need_time(o, "since");
  state.handled = get_time(o, "handled");
  state.last_job = get_job(o);
  state.last_good = get_good(o);
  state.own_good = get_time(o, "own_good");
  state.server = get_string(o, "server", "state");
  state.failures_in_a_row = static_cast<unsigned>(get_uint(o, "failures_in_a_row", "state"));
  state.bad = get_bool(o, "bad", "state");
  state.jobs = {.good = get_uint(o, "good", "state"),
                .incomplete = get_uint(o, "incomplete", "state"),
                .failed = get_uint(o, "failed", "state"),
                .elsewhere = get_uint(o, "elsewhere", "state")};
  state.removed = get_uint(o, "removed", "state");
  state.notifications_failed = get_uint(o, "notifications_failed", "state");
  state.stale_told = get_time(o, "stale_told");
  state.failed_told = get_time(o, "failed_told");
  state.next_run = get_time(o, "next_run");
  state.lacking = get_lacking(o);
  return state;
}

Time age_reference(const State& state) {
  if (!state.last_good) return state.since;
  const bool ended_well = state.last_job && state.last_job->kind != Event::Kind::kFailed;
  Time reference =
      ended_well ? std::max(state.last_good->time, state.last_job->ended) : state.last_good->time;
  for (const auto& [database, since] : state.lacking) reference = std::min(reference, since);
  return reference;
}

std::map<std::string, Time> still_lacking(const std::map<std::string, Time>& before,
                                          const std::vector<DatabaseStanding>& databases, bool all,
                                          Time now) {
  std::map<std::string, Time> lacking;
  if (!all) lacking = before;
  for (const DatabaseStanding& one : databases) {
    if (one.last_good) {
      lacking.erase(one.name);
      continue;
    }
    const auto known = before.find(one.name);
    lacking.emplace(one.name, known == before.end() ? now : known->second);
  }
  return lacking;
}

std::string stale_text(const State& state) {
  if (!state.last_good) return "there is no good backup";
  std::string newest = "the newest good backup is from " + local_time(state.last_good->time);
  if (state.lacking.empty()) return newest;
  std::vector<std::string> names;
  names.reserve(state.lacking.size());
  for (const auto& [database, since] : state.lacking) names.push_back(printable(database));
  return "there is no good backup of " + join(names, ", ") + "; of the others " + newest;
}

Standing standing_of(const State& state, const std::string& database,
                     const std::vector<CronSchedule>& schedules, Time now) {
  Standing standing{.version = PGSTOW_VERSION, .database = database, .now = now};
  for (const CronSchedule& schedule : schedules) {
    standing.schedules.push_back(schedule.text() + " " + schedule.zone().name());
  }
  standing.last_good = state.last_good;
  standing.needed = needed(state);
  standing.last_job = state.last_job;
  standing.failures_in_a_row = state.failures_in_a_row;
  standing.jobs = state.jobs;
  standing.removed = state.removed;
  standing.notifications_failed = state.notifications_failed;
  if (schedules.empty()) return standing;
  standing.stale_from = stale_from(schedules, age_reference(state));
  return standing;
}

StateFile::StateFile(std::filesystem::path folder, const std::string& database)
    : folder_(std::move(folder)),
      key_("state" + lock_file_name(database).substr(std::string_view(".lock").size()) + ".json") {}

std::optional<State> StateFile::stored(const Context& context) const {
  try {
    LocalStore store(folder_, "state");
    return parse_state(read_object(store, key_));
  } catch (const NotFound&) {
    return std::nullopt;
  } catch (const Error& e) {
    context.log.warning("the service's state can't be read; it begins anew", {{"cause", e.what()}});
  }
  return std::nullopt;
}

State StateFile::read(const Context& context) const {
  const std::scoped_lock lock(mutex_);
  if (unwritten_) return *unwritten_;
  State fresh;
  fresh.since = context.clock.now();
  return stored(context).value_or(fresh);
}

State StateFile::change(const std::function<void(State&)>& change, const Context& context) {
  State state;
  try {
    const FileLock file = lock_state(folder_, key_, context);
    state = read(context);
    change(state);
    LocalStore store(folder_, "state");
    write_object(store, key_, to_json(state), Existing::kReplace);
    const std::scoped_lock lock(mutex_);
    unwritten_.reset();
  } catch (const Error& e) {
    state = read(context);
    change(state);
    context.log.warning("the service's state can't be written", {{"cause", e.what()}});
    const std::scoped_lock lock(mutex_);
    unwritten_ = state;
  }
  return state;
}

}  // namespace pgstow
