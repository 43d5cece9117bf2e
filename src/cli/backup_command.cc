// pgstow backup
#include <boost/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "cli/commands.h"
#include "store/local.h"

namespace pgstow::cli {

int backup_command(const Session& session) {
  LocalStore store(session.config.local_path);
  if (const auto warning = store.permission_warning()) session.context.log.warning(*warning);
  const Backup backup =
      run_backup(backup_job(session.config), store, session.context, session.progress);
  if (session.arguments.json) {
    print(pretty(boost::json::object{{"schema", "pgstow.backup/1"},
                                     {"backup", backup.key},
                                     {"location", store.location(backup.key)},
                                     {"database", backup.manifest->database},
                                     {"bytes", backup.bytes},
                                     {"raw_bytes", backup.manifest->raw.bytes},
                                     {"rows", backup.manifest->rows()},
                                     {"sha256", backup.manifest->stored.sha256},
                                     {"warnings", backup.manifest->warnings.size()},
                                     {"duration_ms", backup.manifest->duration.count()}}) +
          "\n");
  }
  return static_cast<int>(backup.manifest->warnings.empty() ? Exit::kOk : Exit::kWarnings);
}

}  // namespace pgstow::cli
