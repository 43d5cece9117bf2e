#include "backup/undo.h"

#include "backup/swap.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/database.h"

namespace pgstow {
namespace {

// The newest kept database that is whole. Throws NotFound if there is none.
std::string newest_kept(pg::Connection& maintenance, const std::string& database,
                        const Context& context) {
  std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  const auto half_dropped = [&](const std::string& name) {
    if (!pg::is_invalid(maintenance, name)) return false;
    context.log.warning("a kept database can't be put back: dropping it was interrupted",
                        {{"database", name}, {"hint", "`pgstow undo --drop` drops it"}});
    return true;
  };
  if (std::erase_if(kept, half_dropped) > 0 && kept.empty()) {
    throw NotFound("no whole database is kept from before a restore of " + printable(database),
                   "`pgstow undo --drop` drops what is left of the kept ones");
  }
  if (kept.empty()) {
    throw NotFound("no database is kept from before a restore of " + printable(database),
                   "a restore keeps one as NAME__before_TIME until the next restore");
  }
  return kept.back();
}

}  // namespace

std::string run_undo(const RestoreJob& job, const Context& context) {
  const pg::Access access = pg::Access::open(job.place, context);
  const std::string database = target_database(access);
  pg::Connection maintenance = open_maintenance(access, job, context);
  pg::lock_restore(maintenance, database);
  const std::string kept = newest_kept(maintenance, database, context);
  std::string before = put_in_place(maintenance, kept, database, context);
  context.log.info("swapped back", {{"database", database}, {"before", before}});
  return before;
}

std::vector<std::string> drop_kept(const RestoreJob& job, const Context& context) {
  const pg::Access access = pg::Access::open(job.place, context);
  pg::Connection maintenance = open_maintenance(access, job, context);
  const std::string database = target_database(access);
  pg::lock_restore(maintenance, database);
  const std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  for (const std::string& name : kept) {
    check_stop(context.stop);
    pg::drop_database(maintenance, name);
    context.log.info("dropped", {{"database", name}});
  }
  return kept;
}

}  // namespace pgstow
