// The ordered parallel stage: jobs run on several threads, their results come out in the order in
// which the jobs were submitted.
//
// Jobs start in that order too, so the result that is due never waits for one that is not. The
// stage holds what was submitted and not yet taken: the caller bounds memory by keeping pending()
// below a limit of its own. submit(), next() and pending() belong to one thread.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace pgstow {

template <typename Result>
class Ordered {
 public:
  explicit Ordered(unsigned workers) : most_workers_(std::max(workers, 1U)) {}
  Ordered(const Ordered&) = delete;
  Ordered& operator=(const Ordered&) = delete;

  // Waits for the jobs that run at this moment; those not started are dropped.
  ~Ordered() {
    for (std::jthread& worker : workers_) worker.request_stop();
  }

  void submit(std::function<Result()> job) {
    std::packaged_task<Result()> task(std::move(job));
    results_.push_back(task.get_future());
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(task));
    }
    submitted_.notify_one();
    if (workers_.size() < most_workers_)
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }

  // The result of the oldest job not yet taken; waits for it. Throws what the job threw. There must
  // be a pending one.
  Result next() {
    std::future<Result> due = std::move(results_.front());
    results_.pop_front();
    return due.get();
  }

  // Jobs submitted whose results were not taken.
  std::size_t pending() const { return results_.size(); }

 private:
  void work(const std::stop_token& stop) {
    while (true) {
      std::packaged_task<Result()> task;
      {
        std::unique_lock lock(mutex_);
        // True also when a stop was asked for while jobs wait: they are dropped.
        if (!submitted_.wait(lock, stop, [this] { return !waiting_.empty(); }) ||
            stop.stop_requested())
          return;
        task = std::move(waiting_.front());
        waiting_.pop_front();
      }
      task();
    }
  }

  std::deque<std::future<Result>> results_;  // of the one thread that submits and takes
  std::mutex mutex_;                         // guards waiting_
  std::condition_variable_any submitted_;
  std::deque<std::packaged_task<Result()>> waiting_;
  const std::size_t most_workers_;
  std::vector<std::jthread> workers_;  // started as jobs come
};

}  // namespace pgstow
