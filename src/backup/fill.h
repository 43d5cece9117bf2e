// A database, or schemas of one, filled from a stored backup and proven: what restores of all kinds
// have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "backup/restore.h"
#include "backup/verify.h"
#include "base/context.h"
#include "pg/compare.h"
#include "pg/connection.h"
#include "pg/tools.h"
#include "store/store.h"
#include "stream/stream.h"

namespace pgstow {

// All that it takes; lent for the call.
struct Filling {
  const RestoreJob& job;
  Store& store;
  const Backup& backup;
  const Context& context;
  Progress& progress;
  pg::Connection& maintenance;
  const Verified& verified;
  std::function<std::unique_ptr<Source>()> open;  // the stored object that `verified` speaks of
  pg::Tool pg_restore;
  // Called once, when every byte was read and is what `verified` says, and so are the rows that
  // the server gives back.
  std::function<void()> when_proven = [] {};
};

// Fills the database `name` with what filling.verified says, out of the opened object, and proves
// it: throws if a single table differs from the backup's. Then makes statistics for the planner, of
// all tables or of those in `schemas`.
pg::Comparison fill_database(const Filling& filling, Source& object, const std::string& name,
                             const std::vector<std::string>& schemas = {});

}  // namespace pgstow
