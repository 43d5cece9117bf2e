// The story of a backup.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "backup/stores.h"
#include "base/context.h"
#include "pg/access.h"
#include "store/store.h"
#include "stream/compression.h"

namespace pgstow {

struct BackupJob {
  pg::Place place;  // of the database
  Compression compression;
  unsigned jobs = 1;  // compressing threads
  std::chrono::seconds lock_timeout{60};
  std::chrono::seconds stall_timeout{900};
  std::chrono::seconds give_way_after{0};  // as DumpPlan has it
  std::filesystem::path pg_bin;            // where pg_dump runs; empty: wherever it is found
  std::filesystem::path lock_folder;       // for a lock of this host; empty: only the server's
  bool globals = true;                     // the server's globals are kept beside it (globals.h)
  // Another run's good backup that was made at this time or later is enough: none is made then.
  std::optional<Time> covering_from = {};
};

struct Made {
  Backup backup;                               // its copies are the stores that have it
  std::vector<StoreFailure> failures;          // of stores that do not
  std::vector<StoreFailure> undelivered = {};  // earlier backups that a store still misses
  bool by_another = false;                     // it is the one that another run had made already
  bool complete() const {
    return failures.empty() && undelivered.empty() && backup.manifest->warnings.empty();
  }
};

// Returns only when the backup is durable and listed in at least one of the stores it goes to; one
// that fails does not take the others with it. If it throws, no reader sees a new backup, but for
// two cases: the archive is whole and only its manifest could not be written, which the error
// names; and a stop that comes while a further store is waited for, which the log tells.
// A store that missed earlier backups is brought up to date after that. Throws Locked if a backup
// of this database with this lock folder is running already.
Made run_backup(const BackupJob& job, const Stores& stores, const Context& context,
                Progress& progress);

}  // namespace pgstow
