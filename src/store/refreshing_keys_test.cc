#include "store/refreshing_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "store/testing_context.h"

namespace pgstow::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// A source that numbers its keys: "AKIA1", "AKIA2", ... each good for `life`, if it is not zero.
class RefreshingKeysTest : public ::testing::Test {
 protected:
  AwsKeys numbered(int n) const {
    AwsKeys keys{.access_key_id = "AKIA" + std::to_string(n),
                 .secret_access_key = "canary-secret",
                 .session_token = "canary-token",
                 .expires = {}};
    if (life_ != 0ms) keys.expires = clock_.now() + life_;
    return keys;
  }
  AwsKeys fetch() {
    ++fetches_;
    if (failing_) throw Transient("sts: no route to host");
    return numbered(constant_ ? 1 : fetches_.load());
  }
  RefreshingKeys make(std::uint32_t seed = 0) {
    return RefreshingKeys([this] { return fetch(); }, context(), seed);
  }
  Context context() { return test_.context(); }

  TestContext test_;
  ManualClock& clock_ = test_.clock;
  std::chrono::milliseconds life_ = 1h;
  std::atomic<int> fetches_ = 0;
  bool failing_ = false;
  bool constant_ = false;
};

TEST_F(RefreshingKeysTest, FetchesOnceAndWhenNeeded) {
  RefreshingKeys keys = make();
  EXPECT_EQ(fetches_, 0);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  clock_.advance(53min);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
}

TEST_F(RefreshingKeysTest, RefreshesFiveMinutesBeforeTheEnd) {
  RefreshingKeys keys = make();
  static_cast<void>(keys.keys());
  clock_.advance(55min - 1ms);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  clock_.advance(1ms);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA2");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(RefreshingKeysTest, HostsDoNotRefreshAllAtOnce) {
  RefreshingKeys early = make(59'999);
  static_cast<void>(early.keys());
  clock_.advance(54min + 1ms);
  EXPECT_EQ(early.keys().access_key_id, "AKIA2");
}

TEST_F(RefreshingKeysTest, ShortLivedOnesAreNotFetchedForEveryRequest) {
  life_ = 4min;
  RefreshingKeys keys = make();
  static_cast<void>(keys.keys());
  clock_.advance(3min - 1ms);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  clock_.advance(1ms);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA2");
}

TEST_F(RefreshingKeysTest, StaticOnesStayForEver) {
  life_ = 0ms;
  RefreshingKeys keys = make();
  static_cast<void>(keys.keys());
  clock_.advance(24h * 4000);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
}

TEST_F(RefreshingKeysTest, AFailureBeforeTheEndIsAWarningAndTriedAgainAMinuteLater) {
  RefreshingKeys keys = make();
  static_cast<void>(keys.keys());
  clock_.advance(56min);
  failing_ = true;
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  EXPECT_THAT(test_.logged(), HasSubstr("good for another 4 min 0 s: sts: no route to host"));
  EXPECT_THAT(test_.logged(), Not(HasSubstr("canary")));
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  EXPECT_EQ(fetches_, 2);
  failing_ = false;
  clock_.advance(1min);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA3");
}

TEST_F(RefreshingKeysTest, AFailureAfterTheEndIsOne) {
  RefreshingKeys keys = make();
  static_cast<void>(keys.keys());
  clock_.advance(1h);
  failing_ = true;
  EXPECT_THROW(keys.keys(), Transient);
  failing_ = false;
  EXPECT_EQ(keys.keys().access_key_id, "AKIA3");
}

TEST_F(RefreshingKeysTest, AFirstFailureIsOne) {
  failing_ = true;
  RefreshingKeys keys = make();
  EXPECT_THROW(keys.keys(), Transient);
  failing_ = false;
  EXPECT_EQ(keys.keys().access_key_id, "AKIA2");
}

TEST_F(RefreshingKeysTest, ExpiredAtBirthIsForTheServerToJudge) {
  life_ = -10min;
  RefreshingKeys keys = make();
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  EXPECT_THAT(test_.logged(), HasSubstr("have expired already"));
  clock_.advance(1min);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA2");
}

TEST_F(RefreshingKeysTest, RenewsWhatWasRefused) {
  RefreshingKeys keys = make();
  const AwsKeys first = keys.keys();
  EXPECT_TRUE(keys.renew(first));
  EXPECT_EQ(keys.keys().access_key_id, "AKIA2");
  EXPECT_TRUE(keys.renew(first));  // somebody else was quicker
  EXPECT_EQ(fetches_, 2);
}

TEST_F(RefreshingKeysTest, RenewalTellsWhenThereAreNoOthers) {
  constant_ = true;
  life_ = 0ms;
  RefreshingKeys keys = make();
  EXPECT_FALSE(keys.renew(keys.keys()));
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
}

TEST_F(RefreshingKeysTest, RenewalThatFailsThrowsAndKeepsTheOldOnes) {
  RefreshingKeys keys = make();
  const AwsKeys first = keys.keys();
  failing_ = true;
  EXPECT_THROW(keys.renew(first), Transient);
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
}

TEST_F(RefreshingKeysTest, OneThreadRefreshesWhileTheOthersGoOn) {
  std::latch fetching(1);
  std::latch others_done(1);
  std::atomic<int> fetches = 0;
  RefreshingKeys keys(
      [&] {
        if (++fetches == 2) {
          fetching.count_down();
          others_done.wait();
        }
        return numbered(fetches);
      },
      context(), 0);
  static_cast<void>(keys.keys());
  clock_.advance(56min);
  auto refresher = std::async(std::launch::async, [&] { return keys.keys().access_key_id; });
  fetching.wait();
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  EXPECT_EQ(keys.keys().access_key_id, "AKIA1");
  others_done.count_down();
  EXPECT_EQ(refresher.get(), "AKIA2");
  EXPECT_EQ(fetches, 2);
}

TEST_F(RefreshingKeysTest, ManyThreadsThatNeedKeysFetchOnce) {
  constexpr int kThreads = 8;
  RefreshingKeys keys = make();
  std::latch start(kThreads);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        if (keys.keys().access_key_id == "AKIA1") ++right;
      });
    }
  }
  EXPECT_EQ(right, kThreads);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(RefreshingKeysTest, WaitingForAnotherThreadsFetchCanBeStopped) {
  std::latch fetching(1);
  std::latch let_go(1);
  RefreshingKeys keys(
      [&] {
        fetching.count_down();
        let_go.wait();
        return numbered(1);
      },
      context(), 0);
  auto fetcher = std::async(std::launch::async, [&] { return keys.keys().access_key_id; });
  fetching.wait();
  test_.stop.request_stop();
  EXPECT_THROW(keys.keys(), Cancelled);
  let_go.count_down();
  EXPECT_EQ(fetcher.get(), "AKIA1");
}

}  // namespace
}  // namespace pgstow::test
