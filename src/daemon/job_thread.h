// One job in the background: the service waits for it, and goes on being alive meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "backup/job.h"
#include "backup/progress.h"

namespace pgstow {

// How far the job is, for whoever asks from another thread.
class WatchedProgress final : public Progress {
 public:
  void update(const ProgressState& state) override;
  void done() override;
  ProgressState state() const;

 private:
  mutable std::mutex mutex_;  // guards state_
  ProgressState state_;
};

// The function runs from the constructor on. Destroyed, it is waited for: what it does must end by
// the context's stop.
class JobThread {
 public:
  explicit JobThread(std::function<JobDone(Progress&)> work);

  // Whether it has ended, after waiting for that long at most.
  bool ended_within(std::chrono::milliseconds time);
  double fraction() const { return progress_.state().fraction; }
  // Of a job that has ended: what it returned, or what it threw.
  JobDone take();

 private:
  void run(const std::function<JobDone(Progress&)>& work);

  WatchedProgress progress_;
  std::mutex mutex_;  // guards the three below
  std::condition_variable changed_;
  bool ended_ = false;
  std::optional<JobDone> done_;
  std::exception_ptr failure_;
  std::jthread thread_;
};

}  // namespace pgstow
