#include "stream/reorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace pgstow {
namespace {

using Lanes = std::vector<std::vector<std::string>>;

std::vector<std::string> taken(Reorder<std::string>& reorder, std::size_t lanes) {
  std::vector<std::string> all;
  for (std::size_t lane = 0; lane < lanes;) {
    if (auto piece = reorder.take({})) {
      all.push_back(*piece);
    } else {
      ++lane;
    }
  }
  return all;
}

TEST(Reorder, GivesThePiecesOfManyProducersInTheOrderOfTheLanes) {
  constexpr std::size_t kLanes = 200;
  Reorder<std::string> reorder(std::vector<std::size_t>(kLanes, 20), 64);
  std::vector<std::string> expected;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t n = 0; n < lane % 5; ++n) {
      expected.push_back(std::to_string(lane) + "." + std::to_string(n));
    }
  }
  std::vector<std::jthread> producers;
  for (int i = 0; i < 4; ++i) {
    producers.emplace_back([&](const std::stop_token& stop) {
      while (const auto lane = reorder.open(stop)) {
        for (std::size_t n = 0; n < *lane % 5; ++n) {
          reorder.put(*lane, std::to_string(*lane) + "." + std::to_string(n), 10, stop);
        }
        reorder.end(*lane);
      }
    });
  }
  EXPECT_EQ(taken(reorder, kLanes), expected);
}

// Lane 1 fills what others may use. The due lane still goes on, piece by piece.
TEST(Reorder, TheDueLaneNeverWaitsForOneThatIsNot) {
  Reorder<std::string> reorder({0, 0, 0, 0}, 100);
  const std::size_t due = *reorder.open({});
  const std::size_t ahead = *reorder.open({});
  std::atomic<int> put = 0;
  std::jthread producer([&](const std::stop_token& stop) {
    for (int i = 0; i < 10; ++i, ++put) reorder.put(ahead, "later", 25, stop);
    reorder.end(ahead);
  });
  while (put < 3) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    reorder.put(due, "now", 60, {});
    EXPECT_EQ(reorder.take({}), "now");
  }
  EXPECT_EQ(put, 3);  // 75 of 100 bytes: the rest is the due lane's
  reorder.end(due);
  EXPECT_EQ(reorder.take({}), std::nullopt);
  EXPECT_EQ(taken(reorder, 1).size(), 10U);
}

// What was expected of lane 1 is kept for it, though lane 2 would like to have it, and lane 3 waits
// before it begins.
TEST(Reorder, ALaneThatIsOpenHasRoomForWhatIsExpectedOfIt) {
  Reorder<std::string> reorder({20, 40, 20, 40}, 100);
  const std::size_t due = *reorder.open({});
  const std::size_t ahead = *reorder.open({});
  const std::size_t behind = *reorder.open({});
  std::atomic<int> put = 0;
  std::atomic<bool> opened = false;
  std::jthread greedy([&](const std::stop_token& stop) {
    for (int i = 0; i < 4; ++i, ++put) reorder.put(behind, "more", 15, stop);
    reorder.end(behind);
  });
  std::jthread next([&](const std::stop_token& stop) {
    reorder.end(*reorder.open(stop));
    opened = true;
  });
  while (put < 2) std::this_thread::yield();
  for (int i = 0; i < 4; ++i) reorder.put(ahead, "expected", 10, {});  // does not wait
  EXPECT_EQ(put, 2);  // 30 bytes: 20 were expected, 15 were free
  EXPECT_FALSE(opened);
  reorder.end(ahead);
  reorder.end(due);
  EXPECT_EQ(taken(reorder, 4).size(), 8U);
  next.join();
  EXPECT_TRUE(opened);
}

TEST(Reorder, WaitsForRoomBeforeALaneUntilItIsStopped) {
  Reorder<std::string> reorder({0, 100}, 100);
  static_cast<void>(reorder.open({}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(static_cast<void>(reorder.open(stop.get_token())), Cancelled);
}

// Filled ahead, it has used the room of those behind it, and goes on doing so when it is due.
TEST(Reorder, ALaneThatBecomesDueKeepsTheRoomThatItFills) {
  Reorder<std::string> reorder({0, 60, 60}, 100);
  const std::size_t due = *reorder.open({});
  const std::size_t large = *reorder.open({});
  for (int i = 0; i < 3; ++i) reorder.put(large, "piece", 20, {});
  reorder.end(large);
  reorder.end(due);
  EXPECT_EQ(reorder.take({}), std::nullopt);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(static_cast<void>(reorder.open(stop.get_token())), Cancelled);
  EXPECT_EQ(reorder.take({}), "piece");
  EXPECT_EQ(reorder.open({}), 2U);  // 40 bytes are held and 60 expected
}

// What is more than it may hold is begun when the consumer waits for it, and not before: it would
// wait in its middle.
TEST(Reorder, ALaneThatFitsNowhereIsOpenedWhenItIsDueAndTaken) {
  Reorder<std::string> reorder({1000, 1000}, 100);
  std::atomic<int> opened = 0;
  std::vector<std::jthread> producers;
  for (int i = 0; i < 2; ++i) {
    producers.emplace_back([&](const std::stop_token& stop) {
      while (const auto lane = reorder.open(stop)) {
        ++opened;
        reorder.put(*lane, "piece", 10, stop);
        reorder.end(*lane);
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(opened, 0);
  EXPECT_EQ(reorder.take({}), "piece");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(reorder.take({}), std::nullopt);
  EXPECT_EQ(taken(reorder, 1).size(), 1U);
}

TEST(Reorder, TakesAPieceThatIsLargerThanAllItMayHold) {
  Reorder<std::string> reorder({0}, 10);
  const std::size_t lane = *reorder.open({});
  reorder.put(lane, "large", 1000, {});
  EXPECT_EQ(reorder.take({}), "large");
}

TEST(Reorder, TellsOfAFailureAtOnceWhateverLaneItIsIn) {
  Reorder<std::string> reorder({0, 0}, 100);
  static_cast<void>(reorder.open({}));
  static_cast<void>(reorder.open({}));
  reorder.fail(std::make_exception_ptr(NotFound("first")));
  reorder.fail(std::make_exception_ptr(Transient("second")));
  EXPECT_THROW(static_cast<void>(reorder.take({})), NotFound);
}

TEST(Reorder, WaitsNoLongerThanAsked) {
  Reorder<std::string> reorder({0}, 100);
  const std::size_t lane = *reorder.open({});
  EXPECT_THROW(static_cast<void>(reorder.take({.stall = std::chrono::milliseconds(1)})), Transient);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THROW(static_cast<void>(reorder.take({.stop = stop.get_token()})), Cancelled);
  reorder.put(lane, "fills the lane", 25, {});
  EXPECT_THROW(reorder.put(lane, "too much", 1, stop.get_token()), Cancelled);
}

}  // namespace
}  // namespace pgstow
