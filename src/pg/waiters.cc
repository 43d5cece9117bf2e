#include "pg/waiters.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/pause.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

constexpr std::chrono::seconds kPause{1};
constexpr std::chrono::seconds kPatience{30};  // a frozen server must not hold whoever ends a watch

}  // namespace

std::vector<std::string> waiters(Connection& asker, const std::vector<int>& holders) {
  std::vector<std::string> numbers;
  for (const int pid : holders) numbers.push_back(std::to_string(pid));
  // A transaction sees the sessions as they were when it first looked.
  asker.query_within(kPatience, "select pg_catalog.pg_stat_clear_snapshot()");
  // What waits for AccessShareLocks wants an AccessExclusiveLock; reading large objects takes
  // RowExclusiveLocks (open_lo_relation() in inv_api.c). pg_blocking_pids() would not see the
  // process that replays the log of a standby. The locks are thousands, those waited for few: the
  // server, which knows neither, must not join the ones with all the others.
  const Result r = asker.query_within(kPatience, fmt::format(
                                                     R"(
    with ours as (
      select array_agg(a.pid) as pids from pg_catalog.pg_stat_activity a
      where a.pid in ({}) or (a.application_name = 'pg_dump' and a.usename = session_user and
                              a.datname = pg_catalog.current_database())),
    locks as materialized (
      select * from pg_catalog.pg_locks where locktype = 'relation'),
    waiting as materialized (select * from locks where not granted),
    held as materialized (
      select * from locks where granted and relation = any (array(select relation from waiting)))
    select distinct on (w.pid) w.pid, w.mode, coalesce(c.relname, w.locktype)
    from ours cross join waiting w
      join held on held.pid = any (ours.pids) and
        held.database = w.database and held.relation = w.relation
      left join pg_catalog.pg_class c on c.oid = w.relation
    where w.pid <> all (ours.pids) and (w.mode = 'AccessExclusiveLock' or
      held.mode = 'RowExclusiveLock' and
      w.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock'))
    order by w.pid)",
                                                     join(numbers, ", ")));
  std::vector<std::string> lines;
  for (int i = 0; i < r.rows(); ++i) {
    lines.push_back(fmt::format("server process {} wants {} of {}", r.text(i, 0), r.text(i, 1),
                                printable(r.text(i, 2))));
  }
  return lines;
}

LockWatch::LockWatch(Connection& session, std::vector<int> holders, GiveWay give_way,
                     const Log& log)
    : session_(session),
      holders_(std::move(holders)),
      give_way_(std::move(give_way)),
      log_(log),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

std::optional<std::string> LockWatch::gave_way() const {
  const std::scoped_lock lock(mutex_);
  return gave_way_;
}

void LockWatch::watch(const std::stop_token& stop) {
  try {
    while (pause_until(std::chrono::steady_clock::now() + kPause, stop)) {
      if (!look()) return;
    }
  } catch (const Error& e) {
    log_.debug("nobody watches for waiting sessions", {{"cause", e.what()}});
  }
}

// Whether to go on looking.
bool LockWatch::look() {
  const auto now = std::chrono::steady_clock::now();
  const std::vector<std::string> found = waiters(session_, holders_);
  if (found.empty()) {
    since_.reset();
    return true;
  }
  if (!warned_) {
    log_.warning("another session waits for a lock until the backup has read its tables",
                 {{"who", found.front()}, {"waiting", std::to_string(found.size())}});
    warned_ = true;
  }
  if (give_way_.after.count() == 0) return false;
  if (!since_) since_ = now;
  if (now - *since_ < give_way_.after) return true;
  {
    const std::scoped_lock lock(mutex_);
    gave_way_ = found.front();
  }
  give_way_.backup.request_stop();
  return false;
}

}  // namespace pgstow::pg
