// What a backup needs before it begins: tools that fit the server, and the right to read it all.
#pragma once

#include <optional>

#include "backup/backup.h"
#include "base/error.h"
#include "pg/server.h"
#include "pg/tools.h"

namespace pgstow {

// The pg_dump to use. Throws NotFound when the server is newer than every one that is there, and
// Error, naming the tables, when the session's role can't read them all.
pg::Tool ready_pg_dump(const BackupJob& job, pg::Connection& session, const pg::ServerFacts& server,
                       const pg::Access& access, const std::stop_token& stop);

// What will keep backups from being made.
struct Obstacle {
  std::string text;
  std::string hint;
  int exit_code = 0;
};

// What ready_pg_dump would throw, looked for without a backup. Throws what opening the server
// throws when it does not answer, and what may pass.
std::optional<Obstacle> obstacle_to(const BackupJob& job, const Context& context);

}  // namespace pgstow
