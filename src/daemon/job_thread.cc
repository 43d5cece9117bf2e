#include "daemon/job_thread.h"

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

JobThread::JobThread(std::function<JobDone(Progress&)> work)
    : thread_([this, work = std::move(work)] { run(work); }) {}

void JobThread::run(const std::function<JobDone(Progress&)>& work) {
  std::optional<JobDone> done;
  std::exception_ptr failure;
  try {
    done = work(progress_);
  } catch (...) {  // handed to the thread that waits
    failure = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  done_ = std::move(done);
  failure_ = failure;
  ended_ = true;
  changed_.notify_all();
}

bool JobThread::ended_within(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return ended_; });
}

JobDone JobThread::take() {
  const std::scoped_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  return *std::move(done_);
}

}  // namespace pgstow
