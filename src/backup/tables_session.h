// A session in the database that tables are restored into.
#pragma once

#include <stop_token>
#include <string>

#include "pg/archive.h"
#include "pg/connection.h"
#include "pg/loader.h"

namespace pgstow {

// With the settings of a loader's, names in the archive's encoding, and nothing found without its
// schema.
inline pg::Connection open_tables_session(const pg::Connection& maintenance,
                                          const std::string& database,
                                          const pg::ArchiveHeader& archive, std::stop_token stop) {
  pg::Connection session = maintenance.open_another(database, std::move(stop));
  pg::prepare_loading(session, archive);
  session.query("select pg_catalog.set_config('search_path', '', false)");
  return session;
}

}  // namespace pgstow
