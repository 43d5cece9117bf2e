// What a restore finds out before it makes or drops anything.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backup/catalogue.h"
#include "backup/progress.h"
#include "backup/restore.h"
#include "backup/verify.h"
#include "base/context.h"
#include "pg/connection.h"
#include "pg/database.h"
#include "pg/tools.h"
#include "store/store.h"
#include "stream/stream.h"

namespace pgstow {

pg::CreateOptions create_options(const RestoreJob& job);

struct SoundCopy {
  Store* store = nullptr;
  Verified verified = {};
  std::function<std::unique_ptr<Source>()> open = {};  // what `verified` speaks of, to be read
  std::function<void()> when_proven = [] {};           // as Filling's
};

// Says that every byte that is needed was read and is as it was written.
void tell_of_sound(const Store& store, const Backup& backup, const Context& context);

// The nearest copy whose bytes are sound. A damaged one is passed by as long as there is another;
// verification has noted the damage beside it.
SoundCopy find_whole_copy(const Backup& backup, unsigned jobs, const Context& context,
                          Progress& progress);

// Throws if the archive is none that may replace `database`. A backup without a manifest may be
// anything that somebody put into the folder: a single table, or another database.
void check_archive(const RestoreJob& job, const Backup& backup, const Verified& verified,
                   const std::string& database);

// Throws if the name is one of the server's templates.
void refuse_system_databases(const std::string& name);

// Throws if the rows could not be compared with the backup's, so that nothing may be replaced.
void check_provable(const Backup& backup, const Verified& verified);

enum class MakesDatabase { kYes, kNo };

// Throws if the server, or the role, can't take what the archive holds; returns the pg_restore
// that can, of those where `runner` runs programs.
pg::Tool check_server(pg::Connection& maintenance, const RestoreJob& job,
                      const pg::ArchiveHeader& archive, const pg::Runner& runner,
                      const Context& context, MakesDatabase makes = MakesDatabase::kYes);

// Throws, naming it all, if something keeps the present database from being renamed or dropped.
void check_replaceable(pg::Connection& maintenance, const RestoreJob& job,
                       const std::string& database);

// With --into, which names another database anyway, it says nothing.
void warn_of_other_database(const RestoreJob& job, const Backup& backup, const std::string& target,
                            const Context& context);

}  // namespace pgstow
