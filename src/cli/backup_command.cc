// pgstow backup
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"

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

// After a run in which a store failed, nothing is removed anywhere. False when a removal failed, or
// was not dared.
bool rotate(const Session& session, const Stores& stores, const Made& made) {
  if (!made.failures.empty()) {
    session.context.log.info("nothing is removed after a run in which a store failed");
    return true;
  }
  const Pruned pruned = run_prune(prune_job(session.config, {}), stores, session.context);
  return pruned.failures.empty() && pruned.suspicions.empty();
}

}  // namespace

int backup_command(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  for (const Place& place : stores.places()) {
    if (place.local == nullptr) continue;
    if (const auto warning = place.local->permission_warning())
      session.context.log.warning(*warning);
  }
  const Made made =
      run_backup(backup_job(session.config), stores, session.context, session.progress);
  const bool rotated = !session.config.rotation || rotate(session, stores, made);
  if (session.arguments.json) print(pretty(json_of(made)) + "\n");
  return static_cast<int>(made.complete() && rotated ? Exit::kOk : Exit::kWarnings);
}

}  // namespace pgstow::cli
