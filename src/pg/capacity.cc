#include "pg/capacity.h"

#include <algorithm>

namespace pgstow::pg {

unsigned sessions_to_take(Connection& maintenance, const std::string& database, unsigned wanted) {
  // Superusers pass the limits of databases and roles (InitPostgres in postinit.c). Who may not see
  // a session's kind is shown none: it is counted.
  const Result r = maintenance.query(
      "with session as (select datname, usename from pg_catalog.pg_stat_activity "
      "  where usesysid is not null and coalesce(backend_type, 'client backend') = 'client "
      "backend') "
      "select least("
      "  pg_catalog.current_setting('max_connections')::bigint"
      "  - pg_catalog.current_setting('superuser_reserved_connections')::bigint"
      "  - coalesce(pg_catalog.current_setting('reserved_connections', true)::bigint, 0)"
      "  - (select count(*) from session),"
      "  (select r.rolconnlimit - (select count(*) from session where usename = current_user)"
      "   from pg_catalog.pg_roles r where r.rolname = current_user"
      "   and not r.rolsuper and r.rolconnlimit >= 0),"
      "  (select d.datconnlimit - (select count(*) from session where datname = $1)"
      "   from pg_catalog.pg_database d, pg_catalog.pg_roles r"
      "   where d.datname = $1 and r.rolname = current_user"
      "   and not r.rolsuper and d.datconnlimit >= 0))",
      {database});
  const std::int64_t half = r.number(0, 0) / 2;
  return static_cast<unsigned>(std::clamp<std::int64_t>(half, 1, std::max(wanted, 1U)));
}

}  // namespace pgstow::pg
