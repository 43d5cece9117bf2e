#include "backup/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"
#include "store/testing_context.h"

namespace pgstow {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Answers one after the other, then the last one for ever.
class Outcome : public testing::Test {
 protected:
  using Answer = std::function<std::optional<bool>(const std::stop_token&)>;

  void find_out(std::vector<Answer> answers, std::chrono::seconds patience = kOutcomePatience) {
    const AskOutcome ask = [&](const std::stop_token& stop) {
      const Answer& answer = answers[std::min(asked++, answers.size() - 1)];
      return answer(stop);
    };
    pgstow::find_out(ask, pg::OutcomeUnknown("commit: no answer"), "look for shop__before_x",
                     world.context(), patience);
  }

  static std::optional<bool> refused(const std::stop_token&) {
    throw Transient("connecting: the database system is starting up");
  }
  static std::optional<bool> works(const std::stop_token&) { return std::nullopt; }
  static std::optional<bool> committed(const std::stop_token&) { return true; }
  static std::optional<bool> undone(const std::stop_token&) { return false; }

  test::TestContext world;
  std::size_t asked = 0;
};

TEST_F(Outcome, IsAskedForUntilTheServerTells) {
  find_out({refused, refused, works, refused, committed});
  EXPECT_EQ(asked, 5u);
}

TEST_F(Outcome, OfWhatWasNotCommittedIsAFailureLikeAnyOther) {
  try {
    find_out({refused, works, undone});
    FAIL();
  } catch (const pg::OutcomeUnknown& e) {
    FAIL() << "it is known: " << e.what();
  } catch (const Transient& e) {
    EXPECT_THAT(e.what(), HasSubstr("it did not"));
  }
}

TEST_F(Outcome, ThatNobodyTellsIsUnknown) {
  for (const auto& [answer, why] :
       {std::pair<Answer, const char*>{refused, "starting up"}, {works, "not ended yet"}}) {
    asked = 0;
    try {
      find_out({answer}, std::chrono::seconds(5));
      FAIL();
    } catch (const pg::OutcomeUnknown& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("no answer"), HasSubstr(why)));
      EXPECT_EQ(e.hint(), "look for shop__before_x");
    }
    EXPECT_EQ(asked, 6u);
  }
}

TEST_F(Outcome, IsAskedForOnceWhenAStopCameBefore) {
  world.stop.request_stop();
  const auto answer = [](const std::stop_token& stop) -> std::optional<bool> {
    if (stop.stop_requested()) throw Cancelled();
    return true;
  };
  find_out({answer});
  EXPECT_EQ(asked, 1u);
}

// It must not look like a restore that was cancelled, and changed nothing.
TEST_F(Outcome, IsUnknownWhenAStopEndsTheQuestions) {
  world.stop.request_stop();
  EXPECT_THROW(find_out({refused}), pg::OutcomeUnknown);
  const auto stopped = [](const std::stop_token&) -> std::optional<bool> { throw Cancelled(); };
  EXPECT_THROW(find_out({stopped}), pg::OutcomeUnknown);
}

}  // namespace
}  // namespace pgstow
