// The story of bringing stores up to date from each other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/progress.h"
#include "backup/prune.h"
#include "backup/stores.h"
#include "base/context.h"

namespace pgstow {

struct SyncJob {
  std::string from = {};  // only copies out of this store; empty: the nearest that is whole
  std::string to = {};    // only this store is brought up to date; empty: every one that delivers
  std::string database = {};  // only its backups; empty: all
  bool dry_run = false;
  std::optional<PruneJob> retention = {};  // what it would not keep is not copied
};

// What was, or with dry_run would be, copied.
struct SyncStep {
  std::string key;
  std::string from;
  std::string to;
  std::string why;           // "missing", "damaged", "without its manifest", "without its globals"
  std::uint64_t bytes = 0;   // of the archive
  std::string problem = {};  // why it failed; empty when it was copied
};

struct Synced {
  std::vector<SyncStep> steps;
  std::vector<StoreFailure> failures;  // stores that could not be listed
};

// Copies every backup that a store misses, or has a damaged copy of, from one that has it whole,
// checking each byte against the manifest on the way. Backups without a manifest are copied as they
// are. A copy that fails does not stop the others. What dead runs left is cleared first. Needs no
// database.
Synced run_sync(const SyncJob& job, const Stores& stores, const Context& context,
                Progress& progress);

// Notes beside a new backup which stores miss it, so that the next run delivers it there.
void note_missed(const Backup& backup, const std::vector<StoreFailure>& failures,
                 const Context& context);

// Delivers to these stores what earlier runs noted as missed, and returns what could not be. It
// stays noted, but for what never can be; nothing is thrown but a stop.
std::vector<StoreFailure> deliver_missed(const std::vector<Store*>& stores, const Context& context,
                                         Progress& progress);

}  // namespace pgstow
