#include "backup/restore_roles.h"

#include "backup/globals.h"
#include "backup/part.h"
#include "backup/restore_checks.h"
#include "backup/swap.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/globals.h"
#include "pg/needs.h"

namespace pgstow {

RolesToCreate roles_to_create(const RestoreJob& job, const Backup& backup, const Context& context) {
  const pg::Access access = pg::Access::open(job.place, context);
  pg::Connection maintenance = open_maintenance(access, job, context);
  const pg::ArchiveHeader archive = read_contents(backup, context);
  RolesToCreate roles{.needed = pg::missing_roles(maintenance, archive, create_options(job)),
                      .kept = {}};
  if (roles.needed.empty() || !backup.manifest || !backup.manifest->globals) return roles;
  roles.kept = pg::roles_to_create(maintenance, globals_of(backup, context));
  return roles;
}

void create_missing_roles(pg::Connection& maintenance, const Backup& backup,
                          const Context& context) {
  try {
    const std::vector<std::string> created =
        pg::create_roles(maintenance, globals_of(backup, context));
    if (created.empty()) return;
    context.log.info("created roles", {{"roles", printable(join(created, ", "))}});
    if (backup.manifest->globals->passwords) return;
    context.log.warning("they have no passwords, which could not be read when they were kept",
                        {{"hint", "ALTER ROLE ... PASSWORD, or \\password in psql"}});
  } catch (Error& e) {
    e.within("--create-roles");
    throw;
  }
}

}  // namespace pgstow
