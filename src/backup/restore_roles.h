// Roles that a backup needs and the server of a restore lacks: which, and how they are made from
// the globals that were kept with the backup.
#pragma once

#include <string>
#include <vector>

#include "backup/catalogue.h"
#include "backup/restore.h"
#include "base/context.h"
#include "pg/connection.h"

namespace pgstow {

struct RolesToCreate {
  std::vector<std::string> needed;  // by the archive; empty: the restore needs none of the others
  std::vector<std::string> kept;    // all that the globals have and the server lacks
};

// Looks at the server, the beginning of the archive and the globals, and changes nothing. Of a
// backup without globals `kept` is empty.
RolesToCreate roles_to_create(const RestoreJob& job, const Backup& backup, const Context& context);

// Makes all roles that the globals have and the server lacks. Throws, with none of them made.
void create_missing_roles(pg::Connection& maintenance, const Backup& backup,
                          const Context& context);

}  // namespace pgstow
