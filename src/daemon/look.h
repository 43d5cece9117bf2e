// A look into the stores: what they hold, and which backup is the newest good one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/stores.h"
#include "base/context.h"
#include "daemon/standing.h"

namespace pgstow {

struct Look {
  std::vector<StoreStanding> stores;
  std::optional<GoodBackup> newest;              // of all of them
  std::string server;                            // system identifier that it tells
  bool complete = true;                          // every store could be listed
  std::vector<DatabaseStanding> databases = {};  // where there are several
  bool all_databases = true;  // otherwise the server could not be asked which there are
};

// Of this database; of several servers' only this one's, where `server` is not empty. A store that
// can't be listed is told in the answer. Throws Cancelled only.
Look look_into(const Stores& stores, const std::string& database, const std::string& server,
               const Context& context);

struct DatabaseLook {
  std::string database;
  Look look;
};

// Of several databases together: the newest of all is that of the database whose own is oldest;
// those without any count for nothing there, and are told by `databases`. Each store's newest is
// the oldest, too, and none where the store has none of one that has a backup. Numbers are sums.
Look look_at_several(const std::vector<DatabaseLook>& looks);

// What is shown of a backup with a manifest.
GoodBackup good_backup(const Backup& backup);

}  // namespace pgstow
