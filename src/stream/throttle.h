// A limit on bytes a second, shared by those who move them.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace pgstow {

// Thread-safe. Time is the steady clock's.
class Throttle {
 public:
  // 0: no limit.
  explicit Throttle(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  // Accounts for bytes that are about to move or have just moved, and sleeps until the rate allows
  // for them; a stop ends the sleep. A quarter of a second's worth may go at once.
  void take(std::uint64_t bytes, const std::stop_token& stop);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point reserve(std::uint64_t bytes);

  const std::uint64_t rate_;
  std::mutex mutex_;  // guards free_at_
  Clock::time_point free_at_{};
};

}  // namespace pgstow
