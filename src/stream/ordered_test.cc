#include "stream/ordered.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"

namespace pgstow {
namespace {

TEST(Ordered, GivesResultsInOrderWhateverEndsFirst) {
  Ordered<std::string> stage(2);
  std::latch second_done(1);
  stage.submit([&] {
    second_done.wait();
    return std::string("first");
  });
  stage.submit([&] {
    second_done.count_down();
    return std::string("second");
  });
  EXPECT_EQ(stage.pending(), 2U);
  EXPECT_EQ(stage.next(), "first");
  EXPECT_EQ(stage.next(), "second");
  EXPECT_EQ(stage.pending(), 0U);
}

TEST(Ordered, TheDueResultWaitsForNoOther) {
  std::latch first_taken(1);
  Ordered<std::string> stage(2);
  stage.submit([] { return std::string("first"); });
  stage.submit([&] {
    first_taken.wait();
    return std::string("second");
  });
  EXPECT_EQ(stage.next(), "first");
  first_taken.count_down();
  EXPECT_EQ(stage.next(), "second");
}

TEST(Ordered, KeepsTheOrderOfManyJobsOnAnyNumberOfWorkers) {
  for (const unsigned workers : {0U, 1U, 2U, 5U}) {
    Ordered<int> stage(workers);
    int due = 0;
    for (int i = 0; i < 2000; ++i) {
      stage.submit([i] { return i; });
      if (stage.pending() == 2 * workers + 2) {
        EXPECT_EQ(stage.next(), due++);
      }
    }
    while (stage.pending() > 0) EXPECT_EQ(stage.next(), due++);
    EXPECT_EQ(due, 2000);
  }
}

TEST(Ordered, ThrowsWhatTheJobThrewWhenItIsDue) {
  Ordered<std::string> stage(2);
  stage.submit([] { return std::string("good"); });
  stage.submit([]() -> std::string { throw Corrupt("bad"); });
  stage.submit([] { return std::string("good again"); });
  EXPECT_EQ(stage.next(), "good");
  EXPECT_THROW(stage.next(), Corrupt);
  EXPECT_EQ(stage.next(), "good again");
}

TEST(Ordered, DestructionDropsWhatWasNotStarted) {
  std::atomic<int> ran = 0;
  const auto lent = std::make_shared<int>(1);
  std::latch started(1);
  std::latch go(1);
  std::thread releases;
  {
    Ordered<int> stage(1);
    stage.submit([&] {
      started.count_down();
      go.wait();
      return ++ran;
    });
    for (int i = 0; i < 100; ++i) stage.submit([&ran, lent] { return ran += *lent; });
    started.wait();
    // Lets the running job end only after the destructor has asked for the stop.
    releases = std::thread([&go] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      go.count_down();
    });
  }
  releases.join();
  EXPECT_LT(ran, 101);
  EXPECT_EQ(lent.use_count(), 1);
}

}  // namespace
}  // namespace pgstow
