#include "base/pause.h"

#include <gtest/gtest.h>

#include <thread>

namespace pgstow {
namespace {

using std::chrono::steady_clock;

TEST(Pause, LastsUntilItsTime) {
  const auto end = steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_TRUE(pause_until(end, {}));
  EXPECT_GE(steady_clock::now(), end);
  EXPECT_TRUE(pause_until(end, {}));  // gone by
}

TEST(Pause, EndsWithAStop) {
  std::stop_source stop;
  const std::jthread later([&] { stop.request_stop(); });
  EXPECT_FALSE(pause_until(steady_clock::now() + std::chrono::hours(1), stop.get_token()));
  EXPECT_FALSE(pause_until(steady_clock::now() + std::chrono::hours(1), stop.get_token()));
}

}  // namespace
}  // namespace pgstow
