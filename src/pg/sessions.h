// Several sessions with one database, and work spread over them.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pg/connection.h"
#include "stream/ordered.h"

namespace pgstow::pg {

// Opens a session; it keeps the token for all its waits.
using OpenSession = std::function<Connection(std::stop_token)>;

// `most` sessions, fewer where the server lets in fewer, at least one: if there is no room for a
// single one, throws what open() threw.
std::vector<Connection> open_sessions(const OpenSession& open, unsigned most,
                                      const std::stop_token& stop);

// Tasks that each need a session: run by as many threads as there are sessions, begun in the order
// in which they were submitted, which is also the order of their results. Of one thread. Destroyed,
// it ends what still runs.
template <typename Result>
class SessionTasks {
 public:
  SessionTasks(const OpenSession& open, unsigned most, const std::stop_token& stop)
      : outer_(stop, [this] { halt_.request_stop(); }),
        idle_(open_sessions(open, most, halt_.get_token())),
        stage_(static_cast<unsigned>(idle_.size())) {}
  SessionTasks(const SessionTasks&) = delete;
  SessionTasks& operator=(const SessionTasks&) = delete;
  ~SessionTasks() { halt_.request_stop(); }

  void submit(std::function<Result(Connection&)> task) {
    stage_.submit([this, task = std::move(task)] {
      Connection session = take();
      Result result = task(session);
      give_back(std::move(session));  // not after an error: who knows what state it is in
      return result;
    });
  }

  // Waits for the oldest task whose result was not taken; throws what it threw.
  Result next() { return stage_.next(); }

 private:
  Connection take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) throw Error("a session was lost by an earlier error");
    Connection session = std::move(idle_.back());
    idle_.pop_back();
    return session;
  }
  void give_back(Connection session) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(session));
  }

  std::stop_source halt_;
  std::stop_callback<std::function<void()>> outer_;
  std::mutex mutex_;  // guards idle_
  std::vector<Connection> idle_;
  Ordered<Result> stage_;
};

}  // namespace pgstow::pg
