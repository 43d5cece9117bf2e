#include "pg/identity.h"

#include <vector>

#include "base/child.h"
#include "base/text.h"
#include "pg/child_command.h"
#include "pg/conninfo.h"

namespace pgstow::pg {
namespace {

// psql is in PATH, or beside the server's other programs.
constexpr const char* kAsk = R"sh(query=$1
shift
for bin in /usr/lib/postgresql/*/bin /usr/libexec/postgresql* /usr/pgsql-*/bin \
    /usr/local/pgsql/bin /opt/bitnami/postgresql/bin; do
  PATH=$PATH:$bin
done
for server; do
  psql -XAtq --no-password -c "$query" -d "$server" && exit
  exec 2>/dev/null  # why the database that is meant can't be asked is what matters
done
exit 1
)sh";

}  // namespace

// The system identifier would not do: a standby has its primary's, a copied volume that of its
// origin, and a role may be kept from reading it. The instant at which the postmaster began is each
// server's own, to the microsecond, and no session's settings change how it is written here.
const char* const kIdentityQuery =
    "select pg_catalog.format('PostgreSQL %s at port %s, started %s UTC', "
    "pg_catalog.current_setting('server_version'), pg_catalog.current_setting('port'), "
    "pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()), "
    "'YYYY-MM-DD HH24:MI:SS.US'))";

std::string identity_there(const Runner& runner, const Parameters& server, const Wait& wait) {
  std::vector<std::string> words{"sh", "-c", kAsk, "pgstow", kIdentityQuery};
  Parameters seen = seen_from_there(server, runner);
  words.push_back(to_conninfo(seen));
  for (const char* database : kOtherDatabases) {
    seen["dbname"] = database;
    words.push_back(to_conninfo(seen));
  }
  const auto password = server.find("password");
  const Command ask = remote_command(
      runner, words, password == server.end() ? "" : password->second, ToolInput::kNone);
  return std::string(trim(run_command(ask, wait)));
}

}  // namespace pgstow::pg
