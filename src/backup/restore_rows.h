// Rows of a backup into tables that are there.
#pragma once

#include "backup/restore_checks.h"
#include "backup/restore_tables.h"
#include "base/context.h"
#include "pg/connection.h"

namespace pgstow {

// In one transaction of the session: removes the present rows, if the job says so, loads those of
// the plan's tables, compares them with the backup's proof, and commits. Triggers of users don't
// fire; foreign keys to the tables are checked at the end, all at once. Sequences that these tables
// own are set forward where the backup's are further on. If it throws, no row has changed.
pg::Comparison restore_rows(const TablesJob& job, const TablesPlan& plan, const Backup& backup,
                            const SoundCopy& copy, pg::Connection& session, const Context& context,
                            Progress& progress);

}  // namespace pgstow
