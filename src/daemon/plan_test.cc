#include "daemon/plan.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>
#include <set>

namespace pgstow {
namespace {

using namespace std::chrono;
using Why = Plan::Why;

Time at(int y, unsigned m, unsigned d, int hour = 0, int minute = 0, int second = 0) {
  return sys_days(year(y) / month(m) / day(d)) + hours(hour) + minutes(minute) + seconds(second);
}

std::vector<CronSchedule> schedules(const std::string& text) {
  return parse_schedules(text, Zone::load("UTC"));
}

const std::vector<CronSchedule>& daily() {
  static const auto list = schedules("0 3 * * *");
  return list;
}

TEST(Plan, WaitsForTheNextDue) {
  const Plan plan = plan_next(
      daily(),
      {.now = at(2026, 11, 27, 15), .handled = at(2026, 11, 27, 3), .began = at(2026, 11, 1)});
  EXPECT_EQ(plan.why, Why::kDue);
  EXPECT_EQ(plan.at, at(2026, 11, 28, 3));
}

TEST(Plan, OneJobForAllThatPassedWhileTheHostSlept) {
  const Plan plan = plan_next(
      daily(),
      {.now = at(2026, 11, 27, 15), .handled = at(2026, 11, 20, 3), .began = at(2026, 11, 1)});
  EXPECT_EQ(plan.why, Why::kDue);
  EXPECT_EQ(plan.due, at(2026, 11, 27, 3));
  EXPECT_LE(plan.at, at(2026, 11, 27, 15));
}

TEST(Plan, AFailedJobIsTriedAgainUntilTheNextIsDue) {
  PlanFacts facts{
      .now = at(2026, 11, 27, 3, 1),
      .handled = at(2026, 11, 27, 3),
      .failure =
          Failure{.due = at(2026, 11, 27, 3), .ended = at(2026, 11, 27, 3, 1), .in_a_row = 3},
      .began = at(2026, 11, 1)};
  Plan plan = plan_next(daily(), facts);
  EXPECT_EQ(plan.why, Why::kRetry);
  EXPECT_EQ(plan.at, at(2026, 11, 27, 3, 5));
  EXPECT_EQ(plan.due, at(2026, 11, 27, 3));

  facts.now = facts.failure->ended = at(2026, 11, 28, 2, 30);
  facts.failure->in_a_row = 20;  // an hour's pause would end after 3 o'clock
  plan = plan_next(daily(), facts);
  EXPECT_EQ(plan.why, Why::kDue);
  EXPECT_EQ(plan.at, at(2026, 11, 28, 3));
}

TEST(Plan, PausesGrowToAnHour) {
  EXPECT_EQ(retry_pause(1), minutes(1));
  EXPECT_EQ(retry_pause(2), minutes(2));
  EXPECT_EQ(retry_pause(6), minutes(32));
  EXPECT_EQ(retry_pause(7), hours(1));
  EXPECT_EQ(retry_pause(1'000'000), hours(1));
}

TEST(Plan, AClockThatIsPutBackDoesNothingTwice) {
  const Plan plan = plan_next(
      daily(),
      {.now = at(2026, 11, 27, 2, 5), .handled = at(2026, 11, 27, 3), .began = at(2026, 11, 1)});
  EXPECT_EQ(plan.at, at(2026, 11, 28, 3));
}

TEST(Plan, AClockThatWasYearsAheadStopsNoBackups) {
  const Time now = at(2026, 11, 27, 2, 5);
  EXPECT_EQ(believable(daily(), at(2076, 11, 27, 3), now), now);
  EXPECT_EQ(believable(daily(), at(2026, 11, 27, 3), now), at(2026, 11, 27, 3));
  EXPECT_EQ(believable(daily(), at(2026, 11, 26, 3), now), at(2026, 11, 26, 3));
}

TEST(Plan, WhatWasMissedWhileItWasDown) {
  const Time now = at(2026, 11, 27, 15);
  const auto missed = [&](std::optional<Time> newest, bool catch_up) {
    const Time handled = handled_at_start(daily(), newest, catch_up, now);
    const Plan plan = plan_next(daily(), {.now = now, .handled = handled, .began = now});
    EXPECT_EQ(plan.at <= now, plan.why == Why::kMissed);
    return plan.at <= now;
  };
  EXPECT_TRUE(missed(at(2026, 11, 26, 3), true));
  EXPECT_TRUE(missed(std::nullopt, true));
  EXPECT_FALSE(missed(at(2026, 11, 27, 3, 0, 2), true));
  EXPECT_FALSE(missed(at(2026, 11, 27, 2, 59, 30), true)) << "clocks of hosts differ";
  EXPECT_TRUE(missed(at(2026, 11, 27, 2, 30), true));
  EXPECT_FALSE(missed(at(2026, 11, 20), false));
  EXPECT_FALSE(missed(at(2026, 11, 27, 16), true)) << "made before the clock was put back";
}

TEST(Plan, StaleAfterOneAndAHalfIntervals) {
  EXPECT_EQ(stale_from(daily(), at(2026, 11, 27, 3, 0, 5)), at(2026, 11, 28, 15, 0, 5));
  EXPECT_EQ(stale_from(daily(), at(2026, 11, 27, 2)), at(2026, 11, 28, 14));
  EXPECT_EQ(stale_from(schedules("* * * * *"), at(2026, 11, 27, 3)), at(2026, 11, 27, 3, 1, 30));
  const auto weekdays = schedules("0 3 * * mon-fri");  // 2026-11-27 is a Friday
  EXPECT_EQ(stale_from(weekdays, at(2026, 11, 27, 3, 0, 5)), at(2026, 11, 30, 15));
  EXPECT_EQ(stale_from(weekdays, at(2026, 11, 26, 3)), at(2026, 11, 27, 15));
  EXPECT_EQ(stale_from(schedules("0 3 1 * *"), at(2026, 11, 1, 3)), at(2026, 12, 16, 3));
}

TEST(Plan, TheNewestDueOfAnySchedule) {
  EXPECT_EQ(newest_due(daily(), at(2020, 1, 1), at(2026, 11, 27, 2)), at(2026, 11, 26, 3));
  EXPECT_EQ(newest_due(daily(), at(2026, 11, 26, 3), at(2026, 11, 27, 2)), std::nullopt);
  EXPECT_EQ(newest_due(daily(), at(2026, 11, 26, 2), at(2026, 11, 26, 3)), at(2026, 11, 26, 3));
  EXPECT_EQ(newest_due(schedules("* * * * *"), at(1970, 1, 1), at(2026, 11, 27, 2)),
            at(2026, 11, 27, 2));
  EXPECT_EQ(newest_due(schedules("0 0 29 2 *"), at(1990, 1, 1), at(2103, 6, 1)), at(2096, 2, 29));
}

// Ten years of a service whose host sleeps, whose clock is set, whose jobs last and fail. The
// oracle is the list of all dues: none is made twice, and none is left out but those that others
// stand for.
TEST(Plan, TenYearsOfADailyJobEachDueOnce) {
  rc::check([](unsigned seed) {
    std::mt19937 random(seed);
    const auto list = parse_schedules("30 2 * * *", Zone::load("Europe/Berlin"));
    const Time end = at(2036, 1, 1);
    Time now = at(2026, 1, 1);
    PlanFacts facts{.now = now, .handled = now, .began = now};
    std::set<Time> made;
    Time latest = now;  // the newest due that was made
    while (now < end) {
      facts.now = now;
      const Plan plan = plan_next(list, facts);
      RC_ASSERT(plan.due > latest || facts.failure);
      if (plan.at > now) {
        const bool sleeps = random() % 50 == 0;  // and wakes up to a week after it
        now = plan.at + (sleeps ? hours(random() % 170) : hours(0));
        continue;
      }
      now += minutes(random() % 300);
      facts.handled = std::max(facts.handled, plan.due);
      if (random() % 5 == 0) {
        const unsigned before = facts.failure ? facts.failure->in_a_row : 0;
        facts.failure = Failure{.due = plan.due, .ended = now, .in_a_row = before + 1};
        continue;
      }
      RC_ASSERT(made.insert(plan.due).second);
      RC_ASSERT(!newest_due(list, plan.due, plan.at));
      latest = plan.due;
      facts.failure.reset();
    }
    RC_ASSERT(made.size() > 2500U);
  });
}

}  // namespace
}  // namespace pgstow
