// A piece of a test in a process of its own: to be killed, limited, or run as another user.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/fd.h"

namespace pgstow::test {

// A child made by fork(2). Only for tests that have no other threads at that moment. Destroyed
// before wait(), it is killed.
class Forked {
 public:
  // Runs work and exits with its result; with 99, and the error's text on stderr, when it throws.
  explicit Forked(const std::function<int()>& work);
  Forked(Forked&& other) noexcept;
  Forked& operator=(Forked&&) = delete;
  ~Forked();

  void kill() const;  // SIGKILL
  // Waits for its end: its exit code, or minus the signal that ended it.
  int wait();

 private:
  pid_t pid_ = -1;  // -1 once awaited
};

// One-way news between forked processes: who waits goes on when somebody announces, or all who
// could have done so are gone. Made before the fork; waiting and announcing may be in any of the
// processes.
class Announcement {
 public:
  Announcement() : pipe_(make_pipe(4096)) {}

  void announce() { pipe_.write.reset(); }
  // For the processes that wait: an announcement is the end of all writing descriptors.
  void wait();
  bool made() const;

 private:
  Pipe pipe_;
};

}  // namespace pgstow::test
