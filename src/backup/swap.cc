#include "backup/swap.h"

#include <chrono>

#include "base/error.h"

namespace pgstow {
namespace {

// A name to keep the present database under that no database has: a second undo within one second
// needs the next one.
std::string free_before_name(pg::Connection& maintenance, const std::string& database,
                             const Context& context) {
  Time time = context.clock.now();
  while (pg::database_exists(maintenance, pg::before_name(database, time))) {
    time += std::chrono::seconds(1);
  }
  return pg::before_name(database, time);
}

}  // namespace

std::string target_database(const pg::Access& access) { return pg::database_name(access.server()); }

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
                        const std::stop_token& stop) {
  try {
    pg::rename_databases(maintenance, renames, stop);
  } catch (const Transient&) {
    pg::Connection session = pg::another_maintenance(maintenance);
    if (pg::database_exists(session, renames.back().from)) throw;
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
  rename_or_find_out(maintenance, renames, context.stop);
  return before;
}

}  // namespace pgstow
