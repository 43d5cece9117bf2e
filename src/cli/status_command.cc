// pgstow status: in one screen, whether the backups of this database are as they should be.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "backup/config_state.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/databases.h"
#include "cli/several.h"
#include "cli/system_unit.h"
#include "daemon/look.h"
#include "daemon/plan.h"
#include "daemon/service_config.h"
#include "daemon/state.h"
#include "daemon/verdict.h"
#include "store/lock.h"

namespace pgstow::cli {
namespace {

struct Status {
  Standing standing = {};
  std::optional<std::string> service = {};  // who runs it
  std::optional<std::string> running = {};  // who makes a backup just now
  std::vector<CronSchedule> schedules = {};
  std::vector<std::string> wrong = {};
};

std::string ago(Time then, Time now) {
  return then > now ? "in the future" : human_duration(now - then) + " ago";
}

// The service may try again before the next one is due.
Time next_run(const Status& status, const State& state) {
  const Time now = status.standing.now;
  const Time due = next_of(status.schedules, std::chrono::floor<std::chrono::seconds>(now));
  const bool planned = status.service && state.next_run && *state.next_run > now;
  return planned ? std::min(due, *state.next_run) : due;
}

Status look_at(const Session& session) {
  const Config& config = session.config;
  const std::string database = database_of(session);
  const std::filesystem::path folder = need_state_folder(config);
  const StateFile file(folder, database);
  State state = file.read(session.context);
  Status status{.schedules = read_schedules(config)};
  const Stores stores = make_stores(config.stores, session.context);
  Databases databases(config, session.context);
  const Look look = config.databases ? databases.look(state.server)
                                     : look_into(stores, database, state.server, session.context);
  if (look.newest || look.complete) state.last_good = look.newest;
  status.standing = standing_of(state, database, status.schedules, session.context.clock.now());
  status.standing.stores = look.stores;
  status.standing.databases = look.databases;
  status.service = holder_of_lock(folder, service_lock_name(database));
  const BackupJob job = backup_job(config);
  if (config.databases) {
    status.running = databases.running();
  } else if (!job.lock_folder.empty()) {
    status.running = holder_of_lock(job.lock_folder, database);
  }
  status.standing.next_run = next_run(status, state);
  status.wrong = what_is_wrong(status.standing, status.service.has_value());
  return status;
}

std::string line(std::string_view name, std::string_view text) {
  return fmt::format("{:<10}{}\n", name, text);
}

std::string last_good_text(const Standing& s) {
  if (!s.last_good) return "none";
  return fmt::format("{}, {}, {}, {} rows", printable(s.last_good->key),
                     ago(s.last_good->time, s.now), human_bytes(s.last_good->bytes),
                     human_count(s.last_good->rows));
}

std::string last_run_text(const Standing& s) {
  if (!s.last_job) return "none on this host";
  return fmt::format("{}, {}", to_string(s.last_job->kind), ago(s.last_job->ended, s.now));
}

std::string store_text(const StoreStanding& store, const Standing& s) {
  if (!store.reachable) return fmt::format("{}: can't be read", store.name);
  const bool behind =
      s.last_good && !misses_newest(s, store) && store.newest.value_or(Time{}) < s.last_good->time;
  return fmt::format("{}: {} backups, {}, newest {}{}", store.name, human_count(store.backups),
                     human_bytes(store.bytes), store.newest ? ago(*store.newest, s.now) : "none",
                     behind ? "; another host made a newer one" : "");
}

std::string database_text(const DatabaseStanding& one, const Standing& s) {
  const std::string name = printable(one.name);
  if (!one.last_good) return name + ": no good backup";
  return fmt::format("{}: {}, {}, {}, {} rows", name, printable(one.last_good->key),
                     ago(one.last_good->time, s.now), human_bytes(one.last_good->bytes),
                     human_count(one.last_good->rows));
}

std::string in_text(const Status& status) {
  const Standing& s = status.standing;
  std::string text = line("database", printable(s.database));
  text += line("service", status.service ? "running: " + *status.service : "not running");
  if (status.running) text += line("backup", "running: " + *status.running);
  for (const CronSchedule& schedule : status.schedules) {
    text += line("schedule", fmt::format("{}: {}, {}", printable(schedule.text()),
                                         schedule.in_words(), printable(schedule.zone().name())));
  }
  text +=
      line(status.service ? "next run" : "next due",
           fmt::format("{}, in {}", local_time(*s.next_run), human_duration(*s.next_run - s.now)));
  text += line("last good", last_good_text(s));
  text += line("last run", last_run_text(s));
  for (const StoreStanding& store : s.stores) text += line("store", store_text(store, s));
  for (const DatabaseStanding& one : s.databases) text += line("of", database_text(one, s));
  if (status.wrong.empty()) return text + line("wrong", "nothing");
  for (const std::string& wrong : status.wrong) text += line("wrong", wrong);
  return text;
}

std::string in_json(const Status& status) {
  const Standing& s = status.standing;
  boost::json::array stores;
  for (const StoreStanding& store : s.stores) {
    stores.push_back({{"name", store.name},
                      {"reachable", store.reachable},
                      {"problem", store.problem},
                      {"backups", store.backups},
                      {"bytes", store.bytes},
                      {"newest", json_time(store.newest)}});
  }
  boost::json::array databases;
  for (const DatabaseStanding& one : s.databases) {
    databases.push_back(
        {{"name", one.name},
         {"newest", one.last_good ? boost::json::value(one.last_good->key) : nullptr},
         {"time", one.last_good ? boost::json::value(rfc3339(one.last_good->time)) : nullptr}});
  }
  boost::json::array wrong;
  for (const std::string& text : status.wrong) wrong.emplace_back(text);
  boost::json::object o{{"schema", "pgstow.status/1"},
                        {"database", s.database},
                        {"service", status.service.has_value()},
                        {"backup_running", status.running.has_value()},
                        {"next_due", json_time(s.next_run)},
                        {"stale", !s.last_good || s.stale()},
                        {"stale_from", json_time(s.stale_from)},
                        {"stores", stores},
                        {"databases", databases},
                        {"wrong", wrong}};
  o["last_good"] = s.last_good ? boost::json::value{{"name", s.last_good->key},
                                                    {"time", rfc3339(s.last_good->time)},
                                                    {"bytes", s.last_good->bytes},
                                                    {"rows", s.last_good->rows}}
                               : boost::json::value(nullptr);
  o["last_run"] = s.last_job ? boost::json::value{{"outcome", to_string(s.last_job->kind)},
                                                  {"ended", rfc3339(s.last_job->ended)},
                                                  {"error", s.last_job->error}}
                             : boost::json::value(nullptr);
  return pretty(o) + "\n";
}

}  // namespace

// Stale: 1. Anything else that is wrong: 3.
int status_command(const Session& session) {
  warn_of_unit(session);
  const Status status = look_at(session);
  print(session.arguments.json ? in_json(status) : in_text(status));
  const bool stale = !status.standing.last_good || status.standing.stale();
  return static_cast<int>(stale                  ? Exit::kFailed
                          : status.wrong.empty() ? Exit::kOk
                                                 : Exit::kWarnings);
}

}  // namespace pgstow::cli
