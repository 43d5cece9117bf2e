#include "pg/capacity.h"

#include <algorithm>
#include <cstdint>

namespace pgstow::pg {

unsigned free_sessions(Connection& session, const std::string& database, unsigned for_others) {
  // Superusers pass the limits of databases and roles (InitPostgres in postinit.c). Who may not see
  // a session's kind is shown none: it is counted.
  const Result r = session.query(
      "with session as (select datname, usename from pg_catalog.pg_stat_activity "
      "  where usesysid is not null and coalesce(backend_type, 'client backend') = 'client "
      "backend') "
      "select least("
      "  pg_catalog.current_setting('max_connections')::bigint"
      "  - pg_catalog.current_setting('superuser_reserved_connections')::bigint"
      "  - coalesce(pg_catalog.current_setting('reserved_connections', true)::bigint, 0)"
      "  - (select count(*) from session) - $2::bigint,"
      "  (select r.rolconnlimit - (select count(*) from session where usename = session_user)"
      "   from pg_catalog.pg_roles r where r.rolname = session_user"
      "   and not r.rolsuper and r.rolconnlimit >= 0),"
      "  (select d.datconnlimit - (select count(*) from session where datname = $1)"
      "   from pg_catalog.pg_database d, pg_catalog.pg_roles r"
      "   where d.datname = $1 and r.rolname = session_user"
      "   and not r.rolsuper and d.datconnlimit >= 0))",
      {database, std::to_string(for_others)});
  return static_cast<unsigned>(std::max<std::int64_t>(0, r.number(0, 0)));
}

unsigned sessions_to_take(Connection& session, const std::string& database, unsigned wanted) {
  return std::clamp(free_sessions(session, database) / 2, 1U, std::max(wanted, 1U));
}

// What is locked, pg_dump locks anyway; our sessions add holders, of which the server has room for
// twice as many (InitLocks() in lock.c). pg_dump is one itself, and holds locks of indexes, too.
std::size_t lockable_tables(Connection& session, unsigned sessions) {
  const Result r = session.query(R"(
    select 2 * pg_catalog.current_setting('max_locks_per_transaction')::bigint *
             (pg_catalog.current_setting('max_connections')::bigint +
              pg_catalog.current_setting('max_prepared_transactions')::bigint) -
           (select count(*) from pg_catalog.pg_locks)
           - (select 2 * count(*) from pg_catalog.pg_class where relkind in ('r', 'p', 'S')))");
  const std::int64_t free = std::max<std::int64_t>(0, r.number(0, 0)) * 3 / 4;
  return static_cast<std::size_t>(free / (std::int64_t{sessions} + 1));
}

}  // namespace pgstow::pg
