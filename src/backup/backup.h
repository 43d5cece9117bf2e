// The story of a backup.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "base/context.h"
#include "pg/connection.h"
#include "store/store.h"
#include "stream/compression.h"

namespace pgstow {

struct BackupJob {
  pg::Parameters server;  // libpq parameters of the database
  Compression compression;
  unsigned jobs = 1;  // compressing threads
  std::chrono::seconds lock_timeout{60};
  std::chrono::seconds stall_timeout{900};
  std::filesystem::path pg_bin;       // empty: wherever pg_dump is found
  std::filesystem::path lock_folder;  // where the lock of this database lies
};

// Returns only when the backup is durable and listed. If it throws, no reader sees a new backup,
// but for one case, which the error names: the archive is whole and only its manifest could not be
// written. Throws Locked if a backup of this database into this folder is running already.
Backup run_backup(const BackupJob& job, Store& store, const Context& context, Progress& progress);

}  // namespace pgstow
