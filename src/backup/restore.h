// The story of a restore.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "base/context.h"
#include "pg/access.h"
#include "pg/compare.h"
#include "pg/table_pattern.h"
#include "store/store.h"

namespace pgstow {

enum class RestoreMode {
  kSwap,     // into a new database beside the present one; swapped when proven
  kInPlace,  // drops the present one first: for those who have no room for two
  kInto,     // into a new database of another name; nothing is swapped
};

struct RestoreJob {
  pg::Place place;                       // its database is the one to restore
  std::string maintenance = "postgres";  // the database from which others are made and renamed
  RestoreMode mode = RestoreMode::kSwap;
  std::string into;                           // for kInto
  std::vector<pg::TablePattern> tables = {};  // for kInto: only these, with what they need
  bool chosen = false;  // the user named the backup, rather than taking the latest
  bool no_owner = false;
  bool no_privileges = false;
  bool create_roles = false;  // those of the backup's globals that the server lacks, first of all
  unsigned jobs = 1;          // threads that inflate, and sessions that load, index and compare
  std::chrono::milliseconds stall{0};  // a server that takes nothing for so long; 0: never
  std::filesystem::path pg_bin;
};

// What a restore will do.
struct RestorePlan {
  std::string database;                // the name under which the restored rows will be
  std::string target;                  // the job's database, also with kInto
  bool exists = false;                 // it does now
  std::string system_identifier;       // of the server; empty where the role may not ask
  std::vector<std::string> half_made;  // what dead restores left behind, dropped first
  std::vector<std::string> kept;       // by earlier restores; dropped when this one keeps one
};

struct Restored {
  std::string database;
  std::string before;  // where the replaced database is kept; empty if there was none
  pg::Comparison comparison;
  std::vector<std::string> not_dropped = {};  // of those that earlier restores kept
};

// Whether the backup's bytes are checked as they are loaded, so that they are read only once: where
// nothing is lost or left if they turn out damaged, and a manifest says what they have to be.
// Otherwise all that is needed is read and checked before anything is made.
bool reads_once(const RestoreJob& job, const Backup& backup);

// Looks at the server and changes nothing.
RestorePlan plan_restore(const RestoreJob& job, const Context& context);

// Carries the plan out, from the nearest copy of the backup that turns out whole. Throws if the
// plan's database has appeared or gone since. Returns when the restored database is
// in place and proven equal to it. If it throws in the modes kSwap and kInto, the present database
// is exactly as it was, unless it throws pg::OutcomeUnknown: then it may be restored. In the mode
// kInPlace it is gone from the moment the log says so; the stored bytes have been verified, and the
// object opened, before. A failure after it says so.
Restored run_restore(const RestoreJob& job, const RestorePlan& plan, const Backup& backup,
                     const Context& context, Progress& progress);

}  // namespace pgstow
