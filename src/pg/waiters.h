// Who waits for the locks of a backup.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "pg/connection.h"

namespace pgstow::pg {

// Sessions that wait, directly or in a queue, for a lock that one of these server processes, or
// pg_dump's, holds: a line each. `asker` may be one of them.
std::vector<std::string> waiters(Connection& asker, const std::vector<int>& holders);

// Looks for waiters every second, in a thread of its own, and warns of the first that it sees. The
// session is the thread's for the watch's life; that it is lost is no news: somebody else will
// tell.
class LockWatch {
 public:
  LockWatch(Connection& session, std::vector<int> holders, const Log& log);
  LockWatch(const LockWatch&) = delete;
  ~LockWatch() = default;

 private:
  void watch(const std::stop_token& stop);

  Connection& session_;
  const std::vector<int> holders_;
  const Log& log_;
  std::jthread thread_;
};

}  // namespace pgstow::pg
