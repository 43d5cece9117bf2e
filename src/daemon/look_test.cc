#include "daemon/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgstow {
namespace {

using testing::SizeIs;

Time at(int hour) { return Time(std::chrono::hours(500'000 + hour)); }

// Of one database, in one store.
Look look(std::optional<int> hour, std::uint64_t bytes) {
  Look look;
  look.stores.push_back({.name = "local", .backups = 2, .bytes = bytes});
  if (!hour) return look;
  look.server = "77";
  look.newest = GoodBackup{.key = "backup", .time = at(*hour), .bytes = bytes, .rows = 3};
  look.stores[0].newest = at(*hour);
  return look;
}

TEST(LookAtSeveral, TheOldestOfTheNewestCounts) {
  const Look all = look_at_several({{"a", look(5, 10)}, {"b", look(3, 20)}, {"c", look(4, 30)}});
  ASSERT_TRUE(all.newest);
  EXPECT_EQ(all.newest->time, at(3));
  EXPECT_EQ(all.newest->bytes, 60U);
  EXPECT_EQ(all.newest->rows, 9U);
  EXPECT_EQ(all.newest->key, "3 databases");
  EXPECT_EQ(all.server, "77");
  ASSERT_THAT(all.stores, SizeIs(1));
  EXPECT_EQ(all.stores[0].newest, at(3));
  EXPECT_EQ(all.stores[0].backups, 6U);
  ASSERT_THAT(all.databases, SizeIs(3));
  EXPECT_EQ(all.databases[0].last_good->time, at(5));
}

// A database that was just made is no reason for an alarm.
TEST(LookAtSeveral, OneWithoutAnyIsToldAndHidesNotTheOthers) {
  const auto three = look(3, 1);
  for (const bool first : {true, false}) {
    const Look all = first ? look_at_several({{"a", look({}, 1)}, {"b", three}})
                           : look_at_several({{"b", three}, {"a", look({}, 1)}});
    ASSERT_TRUE(all.newest);
    EXPECT_EQ(all.newest->time, three.newest->time);
    EXPECT_EQ(all.newest->key, "1 databases");
    EXPECT_EQ(all.stores[0].newest, three.stores[0].newest);
    EXPECT_EQ(all.server, "77");
    EXPECT_FALSE(all.databases[first ? 0 : 1].last_good);
  }
  EXPECT_FALSE(look_at_several({{"a", look({}, 1)}}).newest);
  EXPECT_FALSE(look_at_several({}).newest);
}

TEST(LookAtSeveral, WhatCanNotBeReadIsSaid) {
  Look deaf = look({}, 0);
  deaf.complete = false;
  deaf.stores[0].reachable = false;
  deaf.stores[0].problem = "no answer";
  const Look all = look_at_several({{"a", look(3, 1)}, {"b", deaf}, {"c", look(3, 1)}});
  EXPECT_FALSE(all.complete);
  EXPECT_FALSE(all.stores[0].reachable);
  EXPECT_EQ(all.stores[0].problem, "no answer");
}

}  // namespace
}  // namespace pgstow
