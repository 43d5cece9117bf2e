#include "backup/readiness.h"

#include <fmt/format.h>

#include "base/text.h"

namespace pgstow {
namespace {

void check_rights(pg::Connection& session) {
  const std::vector<std::string> missing = pg::missing_rights(session);
  if (missing.empty()) return;
  throw Error(fmt::format("role {} can't read the whole database:\n  {}", session.user(),
                          join(missing, "\n  ")),
              "grant it pg_read_all_data (and BYPASSRLS for row-level security), or back up as the "
              "owner or a superuser");
}

}  // namespace

pg::Tool ready_pg_dump(const BackupJob& job, pg::Connection& session, const pg::ServerFacts& server,
                       const pg::Access& access, const std::stop_token& stop) {
  pg::Tool tool = pg::find_tool("pg_dump", server.major(), job.pg_bin, stop, access.runner());
  check_rights(session);
  return tool;
}

std::optional<Obstacle> obstacle_to(const BackupJob& job, const Context& context) {
  const pg::Access access = pg::Access::open(job.place, context);
  pg::Connection session = pg::Connection::open(access.server(), context.stop);
  const pg::ServerFacts server = pg::server_facts(session);
  try {
    static_cast<void>(ready_pg_dump(job, session, server, access, context.stop));
  } catch (const Cancelled&) {
    throw;
  } catch (const Transient&) {
    throw;
  } catch (const ProcessFailed&) {
    throw;
  } catch (const Error& e) {
    return Obstacle{.text = e.what(), .hint = e.hint(), .exit_code = e.exit_code()};
  }
  return std::nullopt;
}

}  // namespace pgstow
