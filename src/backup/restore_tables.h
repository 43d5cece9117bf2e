// The story of a restore of tables: some of a backup's, into a database that is there.
//
// They are built in a schema of their own, SCHEMA__restoring_STAMP, by the same pg_restore and
// loaders as a whole database, proven there, and put in place in one transaction. Into a database
// that is not there yet, it is run_restore() with a part of the backup.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "backup/restore.h"
#include "base/context.h"
#include "pg/compare.h"
#include "pg/present_tables.h"
#include "pg/table_selection.h"

namespace pgstow {

enum class TablesMode {
  kReplace,      // the present ones are kept in another schema; there need be none
  kAs,           // beside what is there, under a new name
  kRows,         // only rows, into tables that are there and empty
  kReplaceRows,  // only rows; what the tables hold goes in the same transaction
};

struct TablesJob {
  RestoreJob restore;  // its patterns say which tables; kInto: into that database
  TablesMode mode = TablesMode::kReplace;
  std::optional<pg::TablePattern> as = {};  // for kAs: NAME or SCHEMA.NAME, without wildcards
};

// The database that the tables go to.
struct TablesTarget {
  std::string target;             // the job's database, also with kInto
  std::string database;           // where they go
  bool exists = false;            // that one does
  std::string system_identifier;  // of the server
};

// What a restore of tables will do.
struct TablesPlan {
  std::string database;
  bool exists = false;                 // otherwise a new database is made for them
  pg::TableSelection selection;        // out of the backup
  pg::PresentTables present;           // that will be kept, or filled
  std::vector<pg::TableName> emptied;  // of those, with kReplaceRows, what the backup lacks: made
                                       // since, below the others
  std::optional<pg::TableName> as;     // the name of the new table
  std::vector<std::string> needs;      // for a new database: what comes with them
  std::vector<std::string> left_out;   // what the restored tables will not have: a line each
  std::vector<std::string> half_made;  // schemas that dead restores left behind, dropped first
  std::optional<RestorePlan> whole;    // for a new database
};

struct RestoredTables {
  std::string database;
  std::vector<pg::TableName> kept;  // where the present tables are now
  pg::Comparison comparison;
};

// Both look at the server, the second at the backup, too, and change nothing. The second throws if
// the restore can't be done: no such tables; what they need is missing; what depends on the present
// ones can be led over to no other table. It names all of it.
TablesTarget find_target(const TablesJob& job, const Context& context);
TablesPlan plan_tables(const TablesJob& job, const TablesTarget& target, const Backup& backup,
                       const Context& context);

// Carries the plan out. If it throws, the database is as it was, but for a schema
// ...__restoring_... where the connection was lost, which the next run drops. After
// pg::OutcomeUnknown the tables may be restored.
RestoredTables run_restore_tables(const TablesJob& job, const TablesPlan& plan,
                                  const Backup& backup, const Context& context, Progress& progress);

}  // namespace pgstow
