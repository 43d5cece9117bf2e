// pgstow backup
#include <boost/json.hpp>

#include "backup/job.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/audience.h"
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

}  // namespace

int backup_command(const Session& session) {
  const Stores stores = make_stores(session.config.stores, session.context);
  for (const Place& place : stores.places()) {
    if (place.local == nullptr) continue;
    if (const auto warning = place.local->permission_warning())
      session.context.log.warning(*warning);
  }
  const JobDone done = run_told_job(session, stores);
  if (session.arguments.json) print(pretty(json_of(done.made)) + "\n");
  return static_cast<int>(done.complete() ? Exit::kOk : Exit::kWarnings);
}

}  // namespace pgstow::cli
