// The whole of what is done when a backup is due: the backup, and the rotation after it.
#pragma once

#include <optional>

#include "backup/backup.h"
#include "backup/prune.h"

namespace pgstow {

struct Job {
  BackupJob backup;
  std::optional<PruneJob> rotation = {};  // nothing: old backups stay
};

struct JobDone {
  Made made;
  // Nothing: there was no rotation. Without its steps, each of which holds a whole manifest: those
  // of a run of many databases would all be held to its end.
  std::optional<Pruned> pruned = {};

  // Good in every store and without warnings, and rotated as the rule says.
  bool complete() const;
};

// Throws what run_backup throws. Rotated are the backups of the same database of the same server,
// in the stores that got the new one; after a run whose backup another one made, nothing is. That
// rotation fails does not fail the job: it is told in the log and in `pruned`.
JobDone run_job(const Job& job, const Stores& stores, const Context& context, Progress& progress);

}  // namespace pgstow
