#include "backup/undo.h"

#include "backup/swap.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/database.h"

namespace pgstow {

std::string run_undo(const RestoreJob& job, const Context& context) {
  const std::string database = target_database(job);
  pg::Connection maintenance = open_maintenance(job, context);
  pg::lock_restore(maintenance, database);
  const std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  if (kept.empty()) {
    throw NotFound("no database is kept from before a restore of " + printable(database),
                   "a restore keeps one as NAME__before_TIME until the next restore");
  }
  std::string before = put_in_place(maintenance, kept.back(), database, context);
  context.log.info("swapped back", {{"database", database}, {"before", before}});
  return before;
}

std::vector<std::string> drop_kept(const RestoreJob& job, const Context& context) {
  pg::Connection maintenance = open_maintenance(job, context);
  const std::string database = target_database(job);
  pg::lock_restore(maintenance, database);
  const std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  for (const std::string& name : kept) {
    pg::drop_database(maintenance, name);
    context.log.info("dropped", {{"database", name}});
  }
  return kept;
}

}  // namespace pgstow
