// The databases of BACKUP_DATABASES as one subject of backups: what a single run and the service
// do for all of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backup/config.h"
#include "backup/config_databases.h"
#include "backup/jobs.h"
#include "backup/stores.h"
#include "base/context.h"
#include "daemon/look.h"

namespace pgstow::cli {

// Not thread-safe. The stores of a database are kept, since what was made refers to them. The
// configuration and the context are lent.
class Databases {
 public:
  Databases(const Config& config, const Context& context) : config_(config), context_(context) {}

  // The backups of all that the server has now, one after the other; see run_jobs(). With a moment:
  // those that have one from then on are done already. Throws when the server can't be asked.
  std::vector<DatabaseDone> run(const std::optional<Time>& covering_from, const Context& context,
                                Progress& progress);
  // What the stores hold of all of them; where the server can't be asked, of those that have
  // backups.
  Look look(const std::string& server);
  // Delivers what stores missed, of all that have backups; as deliver_missed(). A store that can't
  // be asked which those are is a failure, too.
  std::vector<StoreFailure> deliver(const Context& context, Progress& progress);
  // Who makes a backup of one of them just now, on this host.
  std::optional<std::string> running();

 private:
  struct One {
    Config config;
    Stores stores;
  };
  One& one(const std::string& database);
  StoredDatabases stored();
  // As the server tells or, where it can't be asked, those that have backups.
  struct Known {
    std::vector<std::string> names;
    bool all;
  };
  Known known();

  const Config& config_;
  const Context& context_;
  std::map<std::string, One> ones_;
};

}  // namespace pgstow::cli
