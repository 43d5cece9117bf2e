// A clock that goes when it is told to.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"
#include "base/fd.h"

namespace pgstow::test {

// Thread-safe. sleep() returns at once, the time gone by.
class ManualClock final : public Clock {
 public:
  Time now() const override { return start_ + std::chrono::milliseconds(passed_); }
  void sleep(std::chrono::milliseconds duration, const std::stop_token& stop) const override {
    check_stop(stop);
    passed_ += duration.count();
  }
  void advance(std::chrono::milliseconds by) { passed_ += by.count(); }

 private:
  // 2026-11-22 21:05:28 UTC
  const Time start_{std::chrono::milliseconds(1'795'381'528'000)};
  mutable std::atomic<std::chrono::milliseconds::rep> passed_{0};
};

}  // namespace pgstow::test
