#include "pg/capacity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace pgstow::pg {
namespace {

constexpr std::int64_t kLeftForOthers = 3;
constexpr std::int64_t kPartOfLocks = 4;

}  // namespace

unsigned free_sessions(Connection& session) {
  const Result r = session.query(fmt::format(R"(
    select least(
      s.most - s.kept - {} -
        (select count(*) from pg_catalog.pg_stat_activity where datid is not null),
      case when r.rolconnlimit >= 0 and not r.rolsuper then r.rolconnlimit -
        (select count(*) from pg_catalog.pg_stat_activity where usesysid = r.oid) end,
      case when d.datconnlimit >= 0 and not r.rolsuper then d.datconnlimit -
        (select count(*) from pg_catalog.pg_stat_activity where datid = d.oid) end)
    from pg_catalog.pg_roles r, pg_catalog.pg_database d,
      (select pg_catalog.current_setting('max_connections')::bigint as most,
              pg_catalog.current_setting('superuser_reserved_connections')::bigint +
              coalesce(pg_catalog.current_setting('reserved_connections', true)::bigint, 0)
                as kept) s
    where r.rolname = session_user and d.datname = pg_catalog.current_database())",
                                             kLeftForOthers));
  return static_cast<unsigned>(std::max<std::int64_t>(0, r.number(0, 0)));
}

std::size_t lockable_tables(Connection& session, unsigned sessions) {
  const Result r = session.query(R"(
    select pg_catalog.current_setting('max_locks_per_transaction')::bigint *
             (pg_catalog.current_setting('max_connections')::bigint +
              pg_catalog.current_setting('max_prepared_transactions')::bigint) -
           (select count(*) from pg_catalog.pg_locks)
           - (select count(*) from pg_catalog.pg_class where relkind in ('r', 'p', 'S')))");
  const std::int64_t free = std::max<std::int64_t>(0, r.number(0, 0)) / kPartOfLocks;
  return static_cast<std::size_t>(free / (std::int64_t{sessions} + 1));
}

}  // namespace pgstow::pg
