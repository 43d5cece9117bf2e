#include "pg/waiters.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

constexpr std::chrono::seconds kPause{1};

}  // namespace

std::vector<std::string> waiters(Connection& asker, const std::vector<int>& holders) {
  std::vector<std::string> numbers;
  for (const int pid : holders) numbers.push_back(std::to_string(pid));
  // A transaction sees the sessions as they were when it first looked.
  asker.query("select pg_catalog.pg_stat_clear_snapshot()");
  const Result r = asker.query(fmt::format(
      R"(
    with ours as (
      select array_agg(a.pid) as pids from pg_catalog.pg_stat_activity a
      where a.pid in ({}) or (a.application_name = 'pg_dump' and a.usename = session_user and
                              a.datname = pg_catalog.current_database()))
    select distinct on (l.pid) l.pid, l.mode, coalesce(c.relname, l.locktype)
    from ours cross join pg_catalog.pg_locks l
      left join pg_catalog.pg_class c on c.oid = l.relation
    where not l.granted and l.pid <> all (ours.pids)
      and pg_catalog.pg_blocking_pids(l.pid) && ours.pids
    order by l.pid)",
      join(numbers, ", ")));
  std::vector<std::string> lines;
  for (int i = 0; i < r.rows(); ++i) {
    lines.push_back(fmt::format("server process {} wants {} of {}", r.text(i, 0), r.text(i, 1),
                                printable(r.text(i, 2))));
  }
  return lines;
}

LockWatch::LockWatch(Connection& session, std::vector<int> holders, const Log& log)
    : session_(session),
      holders_(std::move(holders)),
      log_(log),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void LockWatch::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  try {
    for (;;) {
      if (never.wait_for(lock, stop, kPause, [&] { return stop.stop_requested(); })) return;
      if (stop.stop_requested()) return;
      const std::vector<std::string> found = waiters(session_, holders_);
      if (found.empty()) continue;
      log_.warning("another session waits for a lock until the backup has read its tables",
                   {{"who", found.front()}, {"waiting", std::to_string(found.size())}});
      return;
    }
  } catch (const Error& e) {
    log_.debug("nobody watches for waiting sessions", {{"cause", e.what()}});
  }
}

}  // namespace pgstow::pg
