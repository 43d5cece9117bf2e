#include "pg/object_lock.h"

#include <fmt/format.h>

#include <string_view>

namespace pgstow::pg {
namespace {

// By the lock that ALTER and DROP take first and hold to their end. That of an object which all
// databases share belongs to database 0 (LockSharedObject in lmgr.c).
bool is_locked(Connection& session, std::string_view catalog, std::string_view name_column,
               const std::string& name) {
  return session
             .query(fmt::format("select 1 from pg_catalog.pg_locks l join {0} o "
                                "on l.classid = '{0}'::regclass and l.objid = o.oid "
                                "where o.{1} = $1 and l.locktype = 'object' and l.granted "
                                "and l.mode = 'AccessExclusiveLock' "
                                "and l.database in (0, (select d.oid from pg_catalog.pg_database d "
                                "where d.datname = pg_catalog.current_database()))",
                                catalog, name_column),
                    {name})
             .rows() > 0;
}

}  // namespace

bool is_being_changed(Connection& session, const std::string& database) {
  return is_locked(session, "pg_catalog.pg_database", "datname", database);
}

bool is_being_dropped(Connection& session, const std::string& schema) {
  return is_locked(session, "pg_catalog.pg_namespace", "nspname", schema);
}

}  // namespace pgstow::pg
