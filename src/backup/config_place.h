// BACKUP_CONTAINER and BACKUP_EXEC: where the database is, and its programs.
#pragma once

#include "backup/config.h"

namespace pgstow {

// What the settings say; `target` is the URL's and, without a container, the image variables'. Of
// libpq's variables those that would lead sessions of ours elsewhere (PGHOSTADDR, PGSERVICE) become
// parameters, and leave the environment: to be called before any thread starts. Throws ConfigError.
pg::Place read_place(const Settings& settings, const pg::ConnectionTarget& target);

}  // namespace pgstow
