// A part of a verified backup: some of its tables.
#pragma once

#include <vector>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "backup/restore_checks.h"
#include "backup/verify.h"
#include "base/context.h"
#include "pg/archive.h"
#include "pg/table_selection.h"

namespace pgstow {

// What the backup says it holds, read from the beginning of the nearest copy that can be read:
// nothing behind it is checked.
pg::ArchiveHeader read_contents(const Backup& backup, const Context& context);

// Of the nearest copy whose rows of the tables are sound: only these, where the manifest tells
// where they lie, each table against its rows and digest there; otherwise find_whole_copy().
SoundCopy find_tables_copy(const Backup& backup, const std::vector<pg::TablePattern>& tables,
                           unsigned jobs, const Context& context, Progress& progress);

// The same backup as if it held only what `header` does: its rows and their proof. The header's
// entries have the numbers of the archive's, whatever their names.
Verified part_of(const Verified& whole, pg::ArchiveHeader header);

// The tables with all that they need, for a new database.
Verified only_tables(const Verified& whole, const std::vector<pg::TablePattern>& tables);

}  // namespace pgstow
