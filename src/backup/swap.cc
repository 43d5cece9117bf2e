#include "backup/swap.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "backup/outcome.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/object_lock.h"

namespace pgstow {
namespace {

// A name to keep the present database under that no database has.
std::string free_before_name(pg::Connection& maintenance, const std::string& database,
                             const Context& context) {
  const Time time = free_second(context.clock.now(), [&](Time at) {
    return pg::database_exists(maintenance, pg::before_name(database, at));
  });
  return pg::before_name(database, time);
}

// What somebody has to look for who is not told whether it was done.
std::string hint_for(const std::string& database, const std::string& before) {
  if (before.empty()) {
    return fmt::format("if there is a database {}, it was done", printable(database));
  }
  return fmt::format(
      "look whether there is a database {0}: if so, it is what {1} was before, and {1} is the new "
      "one; otherwise nothing has changed. Restore nothing until you know: another restore drops "
      "what an earlier one kept",
      printable(before), printable(database));
}

}  // namespace

std::string target_database(const pg::Access& access) { return pg::database_name(access.server()); }

Time free_second(Time time, const std::function<bool(Time)>& taken) {
  while (taken(time)) time += std::chrono::seconds(1);
  return time;
}

pg::Connection open_maintenance(const pg::Access& access, const RestoreJob& job,
                                const Context& context) {
  pg::Parameters parameters = access.server();
  const std::string target = target_database(access);
  // The database that is restored can't be the one from which it is dropped and renamed.
  parameters["dbname"] = job.maintenance == target ? "template1" : job.maintenance;
  try {
    return pg::open_maintenance(parameters, context.stop);
  } catch (Error& e) {
    e.within("maintenance database " + parameters["dbname"]);
    throw;
  }
}

void rename_or_find_out(pg::Connection& maintenance, const std::vector<pg::Rename>& renames,
                        const std::stop_token& stop, const std::string& hint,
                        const Context& context) {
  try {
    pg::rename_databases(maintenance, renames, stop);
  } catch (const pg::OutcomeUnknown& lost) {
    const std::string& fresh = renames.back().from;
    const AskOutcome ask = [&](const std::stop_token& asking) -> std::optional<bool> {
      pg::Connection session = pg::another_maintenance(maintenance, asking);
      if (pg::is_being_changed(session, fresh)) return std::nullopt;
      return !pg::database_exists(session, fresh);  // in this order: it may be done in between
    };
    find_out(ask, lost, hint, context);
  }
}

std::string put_in_place(pg::Connection& maintenance, const std::string& fresh,
                         const std::string& database, const Context& context) {
  std::string before;
  std::vector<pg::Rename> renames;
  if (pg::database_exists(maintenance, database)) {
    before = free_before_name(maintenance, database, context);
    renames.push_back({.from = database, .to = before});
  }
  renames.push_back({.from = fresh, .to = database});
  rename_or_find_out(maintenance, renames, context.stop, hint_for(database, before), context);
  return before;
}

}  // namespace pgstow
