#include "daemon/background.h"

#include <utility>

namespace pgstow {

void WatchedProgress::update(const ProgressState& state) {
  const std::scoped_lock lock(mutex_);
  state_ = state;
}

void WatchedProgress::done() { update({}); }

ProgressState WatchedProgress::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

Background::Background(std::function<void()> work)
    : thread_([this, work = std::move(work)] { run(work); }) {}

void Background::run(const std::function<void()>& work) {
  std::exception_ptr failure;
  try {
    work();
  } catch (...) {  // handed to the thread that waits
    failure = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  failure_ = failure;
  ended_ = true;
  changed_.notify_all();
}

bool Background::ended_within(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return ended_; });
}

void Background::take() {
  const std::scoped_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace pgstow
