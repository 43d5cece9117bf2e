// One database in another's place, by renaming: what a restore ends with and what takes it back.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/restore.h"
#include "base/clock.h"
#include "base/context.h"
#include "pg/connection.h"
#include "pg/database.h"

namespace pgstow {

// The name to be restored, as libpq would work it out: explicit, PGDATABASE, service, or the
// user's. The database itself may not exist, so it can't simply be asked.
std::string target_database(const pg::Access& access);

// A session from which that database can be dropped and renamed.
pg::Connection open_maintenance(const pg::Access& access, const RestoreJob& job,
                                const Context& context);

// The first second from `time` on that is not taken: names have a stamp of seconds, and what comes
// once more within one second needs the next one.
Time free_second(Time time, const std::function<bool(Time)>& taken);

// Does the renamings in one transaction, which this stop ends. Where the answer to its COMMIT is
// lost, new sessions tell whether they were done. If it throws, they were not, unless it is
// OutcomeUnknown, with the hint (outcome.h).
void rename_or_find_out(pg::Connection& maintenance, const std::vector<pg::Rename>& renames,
                        const std::stop_token& stop, const std::string& hint,
                        const Context& context);

// Gives the database `fresh` the name `database`. In the same transaction the one that has it, if
// there is one, gets a name that tells where it came from, which is returned (otherwise "").
std::string put_in_place(pg::Connection& maintenance, const std::string& fresh,
                         const std::string& database, const Context& context);

}  // namespace pgstow
