// Work in the background: whoever waits for it goes on being alive meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "backup/progress.h"

namespace pgstow {

// How far a job is, for whoever asks from another thread.
class WatchedProgress final : public Progress {
 public:
  void update(const ProgressState& state) override;
  void done() override;
  ProgressState state() const;

 private:
  mutable std::mutex mutex_;  // guards state_
  ProgressState state_;
};

// The function runs from the constructor on, in a thread of its own. Destroyed, it is waited for:
// what it does must end by the stop that it was given.
class Background {
 public:
  explicit Background(std::function<void()> work);

  // Whether it has ended, after waiting for that long at most.
  bool ended_within(std::chrono::milliseconds time);
  // Of one that has ended: throws what it threw.
  void take();

 private:
  void run(const std::function<void()>& work);

  std::mutex mutex_;  // guards the two below
  std::condition_variable changed_;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;
};

}  // namespace pgstow
