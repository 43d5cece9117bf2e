#include "backup/job.h"

#include <algorithm>

#include "base/error.h"

namespace pgstow {
namespace {

std::optional<Pruned> rotate(const Job& job, const Made& made, const Stores& stores,
                             const Context& context) {
  if (!job.rotation || made.by_another) return std::nullopt;
  PruneJob rotation = *job.rotation;
  rotation.database = made.backup.manifest->database;
  rotation.server = made.backup.manifest->system_identifier;
  for (const Copy& copy : made.backup.copies) rotation.stores.push_back(copy.store);
  try {
    Pruned pruned = run_prune(rotation, stores, context);
    pruned.steps = {};
    return pruned;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    context.log.warning("old backups can't be removed", {{"cause", e.what()}});
    return Pruned{.failures = {{.store = "rotation", .problem = e.what(), .hint = e.hint()}}};
  }
}

// A container that was stopped fails a dump in many ways: the cause is told with each.
Made make_backup(const BackupJob& job, const Stores& stores, const Context& context,
                 Progress& progress) {
  try {
    return run_backup(job, stores, context, progress);
  } catch (const Cancelled&) {
    throw;
  } catch (Error& e) {
    pg::tell_what_became_of(job.place, e, context);
    throw;
  }
}

}  // namespace

bool JobDone::complete() const {
  return made.complete() && (!pruned || (pruned->failures.empty() && pruned->suspicions.empty()));
}

JobDone run_job(const Job& job, const Stores& stores, const Context& context, Progress& progress) {
  JobDone done{.made = make_backup(job.backup, stores, context, progress)};
  done.pruned = rotate(job, done.made, stores, context);
  return done;
}

}  // namespace pgstow
