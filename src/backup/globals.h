// The server's globals beside a backup, as STEM.globals.sql.gz: roles, memberships, settings of
// roles, tablespaces (pg/globals.h). `gunzip -c … | psql` reads them, too.
//
// The manifest tells their length and SHA-256. They are a help for a new server, and no part of the
// database: where they are missing or damaged, the backup can be restored all the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/catalogue.h"
#include "base/context.h"
#include "pg/connection.h"
#include "pg/globals.h"

namespace pgstow {

struct PackedGlobals {
  std::string bytes;  // gzip
  GlobalsFacts facts;
};

PackedGlobals pack_globals(const pg::Globals& globals);

// Reads the globals for a backup. What keeps them from being read must not keep the backup from
// being made: then the answer is nothing, and `warnings` tells why. Only a stop is thrown.
std::optional<PackedGlobals> read_globals(const BackupJob& job, pg::Connection& leader,
                                          const pg::Tool& pg_dump, const std::string& encoding,
                                          std::vector<std::string>& warnings,
                                          const Context& context);

// The stored bytes, checked. Throws NotFound or Corrupt, naming the object.
std::string read_packed_globals(Store& store, const Backup& backup);

// The SQL, from the nearest copy that has it whole. Throws NotFound where the backup has none.
std::string globals_of(const Backup& backup, const Context& context);

}  // namespace pgstow
