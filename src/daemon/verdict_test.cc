#include "daemon/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/state.h"
#include "daemon/testing_standing.h"

namespace pgstow {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Standing sound() {
  Standing s = testing_standing();
  s.last_job->kind = Event::Kind::kGood;
  s.needed = s.last_good->time;
  s.stores.pop_back();
  return s;
}

std::vector<std::string> wrong(const Standing& s) { return what_is_wrong(s, true); }

TEST(Verdict, NothingIsWrong) { EXPECT_THAT(wrong(sound()), IsEmpty()); }

TEST(Verdict, OfEachThing) {
  EXPECT_THAT(what_is_wrong(sound(), false), ElementsAre(HasSubstr("service is not running")));
  Standing s = sound();
  s.stale_from = s.now;
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("stale")));
  s.last_good.reset();
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("no good backup")));
  s = sound();
  s.last_job->kind = Event::Kind::kFailed;
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("the last run failed: s3: no answer")));
  s = sound();
  s.stores[0].newest = *s.stores[0].newest - 1ms;
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("local does not have the newest")));
  s.stores[0].reachable = false;
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("local can't be read")));
}

TEST(Verdict, ADatabaseWithoutAnyIsNamed) {
  Standing s = sound();
  s.databases = {{.name = "shop", .last_good = s.last_good}, {.name = "blog"}};
  EXPECT_THAT(wrong(s), ElementsAre("blog has no backup yet"));
}

// After a sync nothing is left of it, unless there was more to it than a store that missed it.
TEST(Verdict, AnIncompleteRunCountsAsLongAsSomethingIsLeftOfIt) {
  Standing s = sound();
  s.last_job->kind = Event::Kind::kIncomplete;
  s.last_job->lasting = false;
  EXPECT_THAT(wrong(s), IsEmpty());
  s.stores[0].newest.reset();
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("last run had problems"), HasSubstr("local")));
  s = sound();
  s.last_job->kind = Event::Kind::kIncomplete;
  s.last_job->lasting = true;
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("last run had problems")));
}

TEST(Verdict, ABackupFromTheFutureIsTold) {
  Standing s = sound();
  s.now = s.last_good->time - 1min;
  EXPECT_THAT(wrong(s), IsEmpty());
  s.now -= 1ms;
  EXPECT_THAT(wrong(s), ElementsAre(HasSubstr("from the future")));
}

// Of two hosts with a store that they share and one of their own each, only one makes it.
TEST(Verdict, WhatAnotherHostMadeNeedNotLieInEveryStoreHere) {
  const Time then = sound().last_good->time;
  const auto misses = [&](std::optional<Time> own, std::uint64_t elsewhere, Time has) {
    const State state{
        .last_good = sound().last_good, .own_good = own, .jobs = {.elsewhere = elsewhere}};
    return misses_newest(standing_of(state, "shop", {}, then), {.newest = has});
  };
  EXPECT_FALSE(misses(then - 24h, 1, then - 24h));
  EXPECT_FALSE(misses({}, 1, then - 24h));
  EXPECT_TRUE(misses(then - 24h, 1, then - 48h)) << "its own one is not there";
  EXPECT_TRUE(misses(then, 1, then - 24h)) << "its own one is the newest";
  EXPECT_TRUE(misses({}, 0, then - 24h)) << "nothing is known of other hosts";
}

}  // namespace
}  // namespace pgstow
