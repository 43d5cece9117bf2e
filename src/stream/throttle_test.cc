#include "stream/throttle.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace pgstow {
namespace {

using Clock = std::chrono::steady_clock;

// What a limit promises is a least time; how much longer it takes is the machine's affair.
TEST(Throttle, LetsNoMoreThroughThanTheRateAllows) {
  Throttle throttle(1'000'000);
  const auto begin = Clock::now();
  for (int i = 0; i < 50; ++i) throttle.take(10'000, {});
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(240));
}

TEST(Throttle, IsOneLimitForAllThreads) {
  Throttle throttle(1'000'000);
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 5; ++i) threads.emplace_back([&] { throttle.take(100'000, {}); });
  }
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(240));
}

TEST(Throttle, WithoutALimitNothingWaits) {
  Throttle throttle(0);
  throttle.take(UINT64_MAX, {});
}

TEST(Throttle, AStopEndsTheWait) {
  Throttle throttle(1);
  std::stop_source stop;
  std::jthread waiting([&] { throttle.take(1'000'000, stop.get_token()); });
  stop.request_stop();
  waiting.join();
}

}  // namespace
}  // namespace pgstow
