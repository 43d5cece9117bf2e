// Who waits for the locks of a backup.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "pg/connection.h"

namespace pgstow::pg {

// Sessions that wait, directly or in a queue, for a lock that one of these server processes, or
// pg_dump's, holds: a line each. `asker` may be one of them.
std::vector<std::string> waiters(Connection& asker, const std::vector<int>& holders);

// What happens to a backup that others wait for.
struct GiveWay {
  std::chrono::seconds after{0};  // somebody has waited for so long; 0: never
  std::stop_source backup;        // stopped then
};

// Looks for waiters every second, in a thread of its own, and warns of the first that it sees. The
// session is the thread's for the watch's life; that it is lost is no news: somebody else will
// tell.
class LockWatch {
 public:
  LockWatch(Connection& session, std::vector<int> holders, GiveWay give_way, const Log& log);
  LockWatch(const LockWatch&) = delete;
  ~LockWatch() = default;

  // Whom the backup was stopped for; nothing: it was not. Any thread.
  std::optional<std::string> gave_way() const;

 private:
  void watch(const std::stop_token& stop);
  bool look();

  Connection& session_;
  const std::vector<int> holders_;
  GiveWay give_way_;
  const Log& log_;
  bool warned_ = false;  // this and the next one are the thread's own
  std::optional<std::chrono::steady_clock::time_point> since_;  // somebody waits
  mutable std::mutex mutex_;                                    // guards the one below
  std::optional<std::string> gave_way_;
  std::jthread thread_;
};

}  // namespace pgstow::pg
