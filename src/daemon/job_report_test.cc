#include "daemon/job_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "backup/jobs.h"
#include "backup/testing_backup.h"
#include "base/error.h"
#include "harness/program.h"
#include "store/testing_context.h"

namespace pgstow {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Backup shop_backup(std::vector<std::string> warnings) {
  Manifest m = testing_backup::manifest_of("backup_20261122_210528", "shop", "content");
  m.warnings = std::move(warnings);
  Backup backup;
  backup.key = m.archive;
  backup.manifest = m;
  return backup;
}

class JobReportTest : public ::testing::Test {
 protected:
  Event fail(const std::string& text, std::optional<Time> next = {}) {
    return JobReport(
               state_, "shop", [](const Event&) {}, test_.context())
        .failed(Error(text), next);
  }
  // Of a run that fails so, that much later.
  bool repeated(const std::string& text, std::chrono::milliseconds later) {
    test_.clock.advance(later);
    return fail(text).repeated;
  }
  Event succeed(bool by_another, std::vector<std::string> warnings = {}) {
    const Backup backup = shop_backup(std::move(warnings));
    return JobReport(
               state_, "shop", [](const Event&) {}, test_.context())
        .succeeded({.made = {.backup = backup,
                             .failures = {{.store = "s3", .problem = "no answer", .hint = {}}},
                             .by_another = by_another}},
                   {});
  }
  State state() { return state_.read(test_.context()); }

  const test::TempDir folder_;
  test::TestContext test_;
  StateFile state_{folder_.path(), "shop"};
};

TEST_F(JobReportTest, TheSameFailureIsNewsOnceADay) {
  std::vector<bool> repeats;
  for (int hour = 0; hour < 26; ++hour) repeats.push_back(repeated("no server", 1h));
  for (int hour = 0; hour < 26; ++hour)
    EXPECT_EQ(repeats[static_cast<std::size_t>(hour)], hour != 0 && hour != 24) << hour;
  EXPECT_FALSE(repeated("another cause", 1min));
  EXPECT_TRUE(repeated("another cause", 1min));
  EXPECT_FALSE(repeated("no server", 1min));
  succeed(false);
  EXPECT_FALSE(repeated("no server", 1min));
}

TEST_F(JobReportTest, OfSeveralDatabasesTheGoodOnesAreToldWhenOneFails) {
  const JobDone good{.made = {.backup = shop_backup({"odd"}),
                              .failures = {{.store = "s3", .problem = "no answer", .hint = {}}}}};
  const Event event = JobReport(
                          state_, "shop", [](const Event&) {}, test_.context())
                          .failed(SomeFailed("1 of 2 databases failed", "", good), {});
  EXPECT_EQ(event.kind, Event::Kind::kFailed);
  EXPECT_EQ(event.backup, good.made.backup.key);
  EXPECT_THAT(event.warnings, ElementsAre("odd", "s3: no answer"));
}

TEST_F(JobReportTest, WhatThePlanIsStaysWhenASingleRunEnds) {
  const Time next = test_.clock.now() + 1min;
  fail("no server", next);
  EXPECT_EQ(state().next_run, next);
  fail("no server");
  EXPECT_EQ(state().next_run, next);
}

TEST_F(JobReportTest, KnowsWhichBackupThisHostMade) {
  succeed(true);
  EXPECT_FALSE(state().own_good);
  succeed(false);
  EXPECT_EQ(state().own_good, state().last_good->time);
}

TEST_F(JobReportTest, WarningsOfTheDumpOutlastASync) {
  succeed(false);
  EXPECT_FALSE(state().last_job->lasting);
  succeed(false, {"a warning"});
  EXPECT_TRUE(state().last_job->lasting);
}

}  // namespace
}  // namespace pgstow
