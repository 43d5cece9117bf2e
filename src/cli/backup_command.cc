// pgstow backup
#include <boost/json.hpp>

#include "backup/job.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/databases.h"
#include "cli/several.h"

namespace pgstow::cli {
namespace {

boost::json::object json_of(const Made& made) {
  const Backup& backup = made.backup;
  boost::json::array locations;
  for (const Copy& copy : backup.copies) locations.emplace_back(copy.store->location(backup.key));
  boost::json::array failed;
  for (const StoreFailure& failure : made.failures) {
    failed.push_back({{"store", failure.store}, {"problem", failure.problem}});
  }
  return {{"schema", "pgstow.backup/1"},
          {"backup", backup.key},
          {"location", backup.store().location(backup.key)},
          {"locations", locations},
          {"failed", failed},
          {"database", backup.manifest->database},
          {"bytes", backup.bytes},
          {"raw_bytes", backup.manifest->raw.bytes},
          {"rows", backup.manifest->rows()},
          {"sha256", backup.manifest->stored.sha256},
          {"warnings", backup.manifest->warnings.size()},
          {"duration_ms", backup.manifest->duration.count()}};
}

void warn_of_permissions(const Session& session, const Stores& stores) {
  for (const Place& place : stores.places()) {
    if (place.local == nullptr) continue;
    if (const auto warning = place.local->permission_warning())
      session.context.log.warning(*warning);
  }
}

int backup(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  warn_of_permissions(session, stores);
  const std::string database = database_of(session);
  const JobDone done = run_told_job(
      session, {.make =
                    [&](const Context& context) {
                      return run_job(job(session.config), stores, context, session.progress);
                    },
                .look =
                    [&](const std::string& server) {
                      return look_into(stores, database, server, session.context);
                    }});
  if (session.arguments.json) print(pretty(json_of(done.made)) + "\n");
  return static_cast<int>(done.complete() ? Exit::kOk : Exit::kWarnings);
}

void print_json(const Session& session, const std::vector<DatabaseDone>& all) {
  if (!session.arguments.json) return;
  boost::json::array array;
  for (const DatabaseDone& one : all) {
    boost::json::object o =
        one.done ? json_of(one.done->made)
                 : boost::json::object{{"error", session.context.log.redacted(one.problem)}};
    o["of_database"] = one.database;
    array.push_back(std::move(o));
  }
  print(pretty(boost::json::object{{"schema", "pgstow.databases/1"}, {"databases", array}}) + "\n");
}

int backup_several(const Session& session) {
  warn_of_permissions(session, make_stores(session.config.stores, session.context));
  Databases databases(session.config, session.context);
  std::vector<DatabaseDone> all;
  const auto make = [&](const Context& context) {
    all = databases.run(std::nullopt, context, session.progress);
    print_json(session, all);
    return sum_of(all, kSeveralDatabases);
  };
  const auto look = [&](const std::string& server) { return databases.look(server); };
  const JobDone done = run_told_job(session, {.make = make, .look = look});
  return static_cast<int>(done.complete() ? Exit::kOk : Exit::kWarnings);
}

}  // namespace

int backup_command(const Session& session) {
  return is_about_several(session) ? backup_several(session) : for_one(session, backup);
}

}  // namespace pgstow::cli
