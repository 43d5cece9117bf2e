// Several databases in one configuration (BACKUP_DATABASES): which there are, and what the
// configuration means for one of them.
#pragma once

#include <string>
#include <vector>

#include "backup/config.h"
#include "backup/stores.h"
#include "base/context.h"

namespace pgstow {

// What all of them together are called, by the service, its state, its lock and its messages.
inline constexpr const char* kSeveralDatabases = "several databases";

// The same configuration for that database alone: it is the one connected to, and its backups lie
// in a folder of its own in each store (database_folder.h). What this host remembers stays where it
// is.
Config config_of_database(const Config& config, const std::string& database);

// The databases that are to be backed up just now, sorted, as the server tells. Asked in the
// maintenance database or, where that can't be opened, in the one that the connection names. Throws
// NotFound when there is none.
std::vector<std::string> databases_to_back_up(const Config& config, const Context& context);

// Those that have folders in these stores of the whole configuration, sorted; needs no server. A
// store that can't be read is a failure in the answer.
struct StoredDatabases {
  std::vector<std::string> names;
  std::vector<StoreFailure> failures;
};
StoredDatabases stored_databases(const Stores& stores, const Context& context);

}  // namespace pgstow
