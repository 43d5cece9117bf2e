#include "stream/throttle.h"

#include <algorithm>

#include "base/pause.h"

namespace pgstow {
namespace {

constexpr std::chrono::milliseconds kBurst{250};

}  // namespace

// Those who come at once queue up: each one's bytes begin where the last one's end.
Throttle::Clock::time_point Throttle::reserve(std::uint64_t bytes) {
  const std::chrono::duration<double> share(static_cast<double>(bytes) /
                                            static_cast<double>(rate_));
  const std::lock_guard lock(mutex_);
  free_at_ = std::max(free_at_, Clock::now() - kBurst) +
             std::chrono::duration_cast<Clock::duration>(share);
  return free_at_;
}

void Throttle::take(std::uint64_t bytes, const std::stop_token& stop) {
  if (rate_ == 0) return;
  static_cast<void>(pause_until(reserve(bytes), stop));  // its caller looks at the stop
}

}  // namespace pgstow
