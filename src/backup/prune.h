// The story of rotation: what retention no longer keeps is removed.
#pragma once

#include <string>
#include <vector>

#include "backup/retention.h"
#include "backup/stores.h"
#include "base/context.h"
#include "base/zone.h"

namespace pgstow {

struct PruneJob {
  RetentionRule rule;
  Zone zone;  // where days begin
  bool dry_run = false;
  bool force = false;  // also where the newest backups look suspicious
  // Only backups of this database, and of the server with this system identifier; empty: of all.
  std::string database = {};
  std::string server = {};
  // Only in these stores; empty: in all that new backups are delivered to.
  std::vector<const Store*> stores = {};
};

// What retention says of one copy of a backup, and what came of it.
struct PruneStep {
  Store* store = nullptr;
  Backup backup;
  Reasons reasons;       // why it is kept; empty: it is not
  bool removed = false;  // with dry_run: would be
};

struct Pruned {
  std::vector<PruneStep> steps = {};            // in each store newest first
  std::vector<std::string> suspicions = {};     // why nothing was removed, of a database in a store
  std::vector<StoreFailure> failures = {};      // of stores that could not be listed or written
  std::vector<std::string> not_removable = {};  // stores whose rights do not include removing
  int removed = 0;
};

// Judges the backups of each database of each server that the job names, store by store, and
// removes those that nothing keeps. Files that we did not make are never removed, and a backup that
// another store still misses is not, as long as it is one of the newest seven of these. Backups
// whose manifest or verification can't be read just now are kept. Where the newest backup of a
// database is far smaller than the ones before it (shrunken()), nothing of that database is removed
// in that store. A store that fails does not stop the others, nor a backup that can't be removed:
// it stays as it was, and is one of the failures.
Pruned run_prune(const PruneJob& job, const Stores& stores, const Context& context);

// Why each backup of this listing is kept, for display; in its order, of the first copy.
std::vector<Reasons> reasons_of(const std::vector<Backup>& backups, const PruneJob& job, Time now);

// A backup that is far smaller than its predecessors.
struct Shrunken {
  std::string key;
  std::string how;
};

// Whether the newest backup has fewer than half the rows or raw bytes of the largest of the seven
// before it. `backups` are of one database, newest first; those of the future (is_of_future()) are
// left out, or one from a clock that was wrong would be the newest for years.
std::optional<Shrunken> shrunken(const std::vector<const Backup*>& backups, Time now);

// Pins a backup wherever it lies, or takes the pins away; where nothing may be removed, the pin
// then says that it is off. A store that fails does not stop the others; all failures are thrown as
// one.
void set_pin(const Backup& backup, bool pinned, const Context& context);

}  // namespace pgstow
