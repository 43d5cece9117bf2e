#include "backup/jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/memory_store.h"
#include "store/testing_context.h"

namespace pgstow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Jobs : public testing::Test {
 protected:
  JobDone done(const std::string& database, std::uint64_t bytes) {
    JobDone one;
    one.made.backup.key = "backup_20261127_030000.dump.gz";
    one.made.backup.bytes = bytes;
    one.made.backup.time = test_.clock.now() + std::chrono::seconds(bytes);
    Manifest& m = one.made.backup.manifest.emplace();
    m.database = database;
    m.raw.bytes = 10 * bytes;
    m.tables.push_back(
        {.schema = "public", .name = "t", .proof = {.rows = 2, .bytes = 0, .digest = {}}});
    one.made.backup.copies.push_back({.store = &store_, .state = "unverified"});
    return one;
  }
  std::vector<DatabaseDone> run(const MakeOne& make) {
    return run_jobs({"a", "b", "c"}, make, test_.context());
  }
  std::string failure_of(const std::vector<DatabaseDone>& all, int exit_code) {
    try {
      static_cast<void>(sum_of(all, "several"));
    } catch (const SomeFailed& e) {
      EXPECT_EQ(e.exit_code(), exit_code);
      good_ = e.good();
      return e.what();
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), exit_code);
      return e.what();
    }
    return "nothing was thrown";
  }

  test::TestContext test_;
  test::MemoryStore store_;
  std::optional<JobDone> good_;  // of the last failure_of()
};

TEST_F(Jobs, TheSumIsOfAllAndOfTheOldestMoment) {
  const auto all = run([&](const std::string& database, const Context&) {
    JobDone one = done(database, database == "b" ? 5 : 7);
    one.made.by_another = database == "a";
    if (database == "b") one.made.backup.manifest->warnings = {"odd"};
    if (database == "c")
      one.made.failures.push_back({.store = "s3", .problem = "gone", .hint = {}});
    return one;
  });
  const JobDone sum = sum_of(all, "several");
  EXPECT_EQ(sum.made.backup.bytes, 19U);
  EXPECT_EQ(sum.made.backup.manifest->raw.bytes, 190U);
  EXPECT_EQ(sum.made.backup.manifest->rows(), 6U);
  EXPECT_EQ(sum.made.backup.time, all[1].done->made.backup.time);
  EXPECT_THAT(sum.made.backup.manifest->warnings, ElementsAre("b: odd"));
  ASSERT_THAT(sum.made.failures, SizeIs(1));
  EXPECT_EQ(sum.made.failures[0].store, "c in s3");
  EXPECT_FALSE(sum.made.by_another);
  EXPECT_FALSE(sum.complete());
}

TEST_F(Jobs, OneThatFailsStopsNeitherTheOthersNorIsForgotten) {
  const auto all = run([&](const std::string& database, const Context&) -> JobDone {
    if (database == "b") throw Error("no room", "make room");
    JobDone one = done(database, 1);
    if (database == "c") {
      one.made.failures.push_back({.store = "s3", .problem = "no answer", .hint = {}});
    }
    return one;
  });
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_TRUE(all[2].done);
  const std::string text = failure_of(all, static_cast<int>(Exit::kWarnings));
  EXPECT_THAT(text, HasSubstr("1 of 3 databases failed:\n  b: no room"));
  ASSERT_TRUE(good_);
  EXPECT_EQ(good_->made.backup.key, "2 databases");
  EXPECT_EQ(good_->made.backup.manifest->rows(), 4U);
  ASSERT_THAT(good_->made.failures, SizeIs(1));
  EXPECT_EQ(good_->made.failures[0].store, "c in s3");
}

TEST_F(Jobs, WhereAllFailTheRunHasFailed) {
  const auto broken =
      run([](const std::string&, const Context&) -> JobDone { throw std::runtime_error("a bug"); });
  EXPECT_THAT(failure_of(broken, static_cast<int>(Exit::kFailed)), HasSubstr("3 of 3"));
  const auto locked =
      run([](const std::string&, const Context&) -> JobDone { throw Locked("busy", ""); });
  EXPECT_THAT(failure_of(locked, static_cast<int>(Exit::kLocked)), HasSubstr("busy"));
}

TEST_F(Jobs, WhatOnlyAnotherRunHoldsUpIsTold) {
  for (const bool also_broken : {false, true}) {
    const auto all = run([&](const std::string& database, const Context&) -> JobDone {
      if (database == "b") throw Locked("busy", "");
      if (database == "c" && also_broken) throw Error("no room", "");
      return done(database, 1);
    });
    try {
      static_cast<void>(sum_of(all, "several"));
      FAIL() << "nothing was thrown";
    } catch (const SomeFailed& e) {
      EXPECT_EQ(e.only_locked(), !also_broken);
    }
  }
}

TEST_F(Jobs, WhatAnEarlierTryDidIsNotForgotten) {
  JobDone earlier = done("a", 1);
  earlier.pruned = Pruned{.suspicions = {"a shrank"}, .removed = 2};
  JobDone later = done("a", 1);
  later.made.by_another = true;
  add_earlier_try(later, earlier);
  EXPECT_FALSE(later.made.by_another);
  ASSERT_TRUE(later.pruned);
  EXPECT_EQ(later.pruned->removed, 2);
  EXPECT_THAT(later.pruned->suspicions, ElementsAre("a shrank"));
}

TEST_F(Jobs, AStopEndsThemAll) {
  int begun = 0;
  const auto make = [&](const std::string&, const Context&) -> JobDone {
    ++begun;
    throw Cancelled();
  };
  EXPECT_THROW(run(make), Cancelled);
  EXPECT_EQ(begun, 1);
}

}  // namespace
}  // namespace pgstow
