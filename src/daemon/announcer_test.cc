#include "daemon/announcer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <semaphore>
#include <string>

#include "base/error.h"
#include "daemon/testing_notify.h"

namespace pgstow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Event::Kind;
using namespace std::chrono_literals;

// Keeps what it is told; a test may hold it up or let it fail.
class Recorder {
 public:
  class Spy final : public Notifier {
   public:
    explicit Spy(Recorder& to) : to_(to) {}
    std::string name() const override { return to_.name; }
    bool wants(Kind kind, bool after_bad) const override {
      return to_.only_after_bad ? after_bad : to_.wants.empty() || to_.wants == to_string(kind);
    }
    bool wants_repeated() const override { return to_.wants_repeated; }
    void send(const Event& event, const Context& context) override { to_.take(event, context); }

   private:
    Recorder& to_;
  };

  std::unique_ptr<Notifier> spy() { return std::make_unique<Spy>(*this); }

  void take(const Event& event, const Context& context) {
    entered.release();
    while (held_up) {
      check_stop(context.stop);
      std::this_thread::sleep_for(1ms);
    }
    if (fails) throw Error("no route: canary-secret", "mend the network");
    const std::lock_guard lock(mutex_);
    told_.push_back(event);
  }

  std::vector<std::string> told() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> kinds;
    for (const Event& event : told_) kinds.emplace_back(to_string(event.kind));
    return kinds;
  }
  Event last() const {
    const std::lock_guard lock(mutex_);
    return told_.back();
  }

  std::string name = "spy";
  std::string wants;  // only this kind; empty: all
  bool only_after_bad = false;
  bool wants_repeated = false;
  std::atomic<bool> held_up = false;
  std::atomic<bool> fails = false;
  std::counting_semaphore<> entered{0};

 private:
  mutable std::mutex mutex_;
  std::vector<Event> told_;
};

class AnnouncerTest : public ::testing::Test {
 protected:
  template <typename... Recorders>
  std::unique_ptr<Announcer> announcer(bool after_bad, std::size_t most, Recorders&... recorders) {
    std::vector<std::unique_ptr<Notifier>> notifiers;
    (notifiers.push_back(recorders.spy()), ...);
    return std::make_unique<Announcer>(std::move(notifiers), after_bad, log, clock, most);
  }

  TestContext test;
  const Context context = test.context();
  const Log& log = context.log;
  const Clock& clock = context.clock;
  Recorder one;
  Recorder other;
};

TEST_F(AnnouncerTest, TellsAllInOrder) {
  const auto a = announcer(false, 64, one, other);
  for (const Kind kind : {Kind::kStarted, Kind::kFailed, Kind::kStarted, Kind::kRecovered}) {
    a->tell(event_of(kind));
  }
  EXPECT_TRUE(a->finish(1min, {}));
  EXPECT_THAT(one.told(), ElementsAre("started", "failed", "started", "recovered"));
  EXPECT_EQ(other.told(), one.told());
  EXPECT_EQ(a->failed(), 0U);
  EXPECT_THAT(test.logged(), HasSubstr("notified notifier=spy event=failed"));
}

TEST_F(AnnouncerTest, OneThatHangsHoldsUpNeitherTheOtherNorTheTeller) {
  one.held_up = true;
  const auto a = announcer(false, 64, one, other);
  for (int i = 0; i < 10; ++i) a->tell(failed_event());
  one.entered.acquire();
  for (int i = 0; i < 10; ++i) other.entered.acquire();  // all of them, while the one hangs
  EXPECT_FALSE(a->finish(1ms, {}));
  EXPECT_THAT(one.told(), ElementsAre());
  EXPECT_EQ(other.told().size(), 10U);
  EXPECT_EQ(a->failed(), 10U);
  EXPECT_THAT(test.logged(),
              HasSubstr("not notified: there was no time left notifier=spy event=failed"));
}

TEST_F(AnnouncerTest, AStopEndsTheWaiting) {
  one.held_up = true;
  const auto a = announcer(false, 64, one);
  a->tell(failed_event());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(a->finish(24h, stop.get_token()));
  EXPECT_EQ(a->failed(), 1U);
}

TEST_F(AnnouncerTest, AFailureIsLoggedAndCounted) {
  one.fails = true;
  const auto a = announcer(false, 64, one, other);
  a->tell(failed_event());
  EXPECT_FALSE(a->finish(1min, {}));
  EXPECT_EQ(a->failed(), 1U);
  EXPECT_EQ(other.told().size(), 1U);
  EXPECT_THAT(test.logged(), HasSubstr("not notified: no route: canary-secret notifier=spy "
                                       "event=failed hint=\"mend the network\""));
}

TEST_F(AnnouncerTest, AFullQueueKeepsTheBadNews) {
  one.held_up = true;
  const auto a = announcer(false, 3, one);
  a->tell(event_of(Kind::kTest));
  one.entered.acquire();  // out of the queue, and held up
  for (const Kind kind : {Kind::kStarted, Kind::kGood, Kind::kFailed,  // full
                          Kind::kStale, Kind::kRecovered,              // started and good go
                          Kind::kStarted, Kind::kIncomplete,  // the started itself, recovered
                          Kind::kFailed}) {                   // the oldest bad one
    a->tell(event_of(kind));
  }
  one.held_up = false;
  EXPECT_FALSE(a->finish(1min, {}));
  EXPECT_THAT(one.told(), ElementsAre("test", "stale", "incomplete", "failed"));
  EXPECT_EQ(a->failed(), 5U);
  EXPECT_THAT(test.logged(), HasSubstr("not notified: too much is waiting to be told"));
}

TEST_F(AnnouncerTest, KnowsWhatCameBefore) {
  one.only_after_bad = true;
  const auto a = announcer(true, 64, one);
  for (const Kind kind : {Kind::kTest, Kind::kStarted, Kind::kGood, Kind::kGood, Kind::kStale,
                          Kind::kStarted, Kind::kFailed, Kind::kRecovered, Kind::kGood}) {
    a->tell(event_of(kind));
  }
  EXPECT_TRUE(a->finish(1min, {}));
  EXPECT_THAT(one.told(), ElementsAre("test", "started", "good", "started", "failed", "recovered"));
}

TEST_F(AnnouncerTest, ARepeatedFailureIsForThoseWhoWantIt) {
  other.wants_repeated = true;
  const auto a = announcer(false, 64, one, other);
  Event again = failed_event();
  again.repeated = true;
  a->tell(failed_event());
  one.entered.acquire();
  a->tell(again);
  EXPECT_TRUE(a->finish(1min, {}));
  EXPECT_EQ(one.told().size(), 1U);
  EXPECT_EQ(other.told().size(), 2U);
}

TEST_F(AnnouncerTest, ARepeatedFailureIsNewsWhereTheFirstCouldNotBeTold) {
  one.fails = true;
  const auto a = announcer(false, 64, one);
  a->tell(failed_event());
  while (a->failed() == 0) std::this_thread::sleep_for(1ms);
  one.fails = false;
  Event again = failed_event();
  again.repeated = true;
  for (int i = 0; i < 10'000 && one.told().empty(); ++i) {  // its thread notes it in an instant
    a->tell(again);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_FALSE(one.told().empty());
}

TEST_F(AnnouncerTest, SecretsDoNotLeave) {
  std::FILE* const nowhere = std::tmpfile();
  Log with_secret(clock, LogFormat::kText, Level::kDebug, nowhere);
  with_secret.redact("canary-secret");
  {
    std::vector<std::unique_ptr<Notifier>> notifiers;
    notifiers.push_back(one.spy());
    Announcer a(std::move(notifiers), false, with_secret, clock);
    Event event = failed_event();
    event.error += " canary-secret";
    event.hint += " canary-secret";
    event.log_tail += " canary-secret";
    event.warnings = {"canary-secret"};
    a.tell(event);
    EXPECT_TRUE(a.finish(1min, {}));
  }
  std::fclose(nowhere);
  const Event told = one.last();
  EXPECT_THAT(told.error + told.hint + told.log_tail + told.warnings[0],
              ::testing::AllOf(HasSubstr("***"), Not(HasSubstr("canary"))));
}

TEST_F(AnnouncerTest, AfterItsEndNothingIsTold) {
  const auto a = announcer(false, 64, one);
  EXPECT_TRUE(a->finish(1min, {}));
  a->tell(failed_event());
  EXPECT_TRUE(a->finish(1min, {}));
  EXPECT_THAT(one.told(), ElementsAre());
}

TEST_F(AnnouncerTest, NobodyIsTold) {
  Announcer a({}, false, log, clock);
  a.tell(failed_event());
  EXPECT_TRUE(a.finish(1min, {}));
}

TEST_F(AnnouncerTest, ManyTellAtOnce) {
  const auto a = announcer(false, 10'000, one, other);
  {
    std::vector<std::jthread> tellers;
    for (int i = 0; i < 4; ++i) {
      tellers.emplace_back([&] {
        for (int n = 0; n < 200; ++n) a->tell(event_of(n % 2 == 0 ? Kind::kFailed : Kind::kGood));
      });
    }
  }
  EXPECT_TRUE(a->finish(1min, {}));
  EXPECT_EQ(one.told().size(), 800U);
  EXPECT_EQ(other.told().size(), 800U);
}

}  // namespace
}  // namespace pgstow::test
