#include "daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "daemon/testing_standing.h"
#include "harness/program.h"

namespace pgstow {
namespace {

using test::read_file;
using test::write_file;
using ::testing::HasSubstr;
using ::testing::Not;

// What Prometheus' own parser and linter says of it; empty when all is well.
std::string promtool(const std::string& text) {
  const test::Outcome outcome =
      test::run({.argv = {"promtool", "check", "metrics"}, .input = text});
  return outcome.ok() && outcome.err.empty() ? "" : outcome.describe();
}

std::set<std::string> families(const std::string& text) {
  std::set<std::string> names;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("# TYPE ")) names.emplace(split(line, ' ')[2]);
  }
  return names;
}

TEST(Metrics, ArePrometheusFormatWithoutALint) {
  EXPECT_EQ(promtool(metrics_text(testing_standing())), "");
  EXPECT_EQ(promtool(metrics_text(Standing{})), "");
}

TEST(Metrics, SayHowThingsAre) {
  const std::string text = metrics_text(testing_standing());
  for (const char* line : {
           "build_info{database=\"shop\",version=\"1.2.3\"} 1",
           "service_start_time_seconds{database=\"shop\"} 1795021528.123",
           "next_run_timestamp_seconds{database=\"shop\"} 1795399528.123",
           "run_in_progress{database=\"shop\"} 1",
           "run_progress_ratio{database=\"shop\"} 0.25",
           "up_to_date{database=\"shop\"} 1",
           "stale_timestamp_seconds{database=\"shop\"} 1795442728.123",
           "last_success_timestamp_seconds{database=\"shop\"} 1795313128.123",
           "last_backup_size_bytes{database=\"shop\"} 1740000",
           "last_backup_archive_bytes{database=\"shop\"} 5540000",
           "last_backup_rows{database=\"shop\"} 23560",
           "last_backup_duration_seconds{database=\"shop\"} 1.5",
           "last_run_outcome{database=\"shop\",outcome=\"good\"} 0",
           "last_run_outcome{database=\"shop\",outcome=\"incomplete\"} 1",
           "last_run_outcome{database=\"shop\",outcome=\"failed\"} 0",
           "last_run_end_timestamp_seconds{database=\"shop\"} 1795316728.123",
           "failures_in_a_row{database=\"shop\"} 2",
           "runs_total{database=\"shop\",outcome=\"good\"} 40",
           "runs_total{database=\"shop\",outcome=\"elsewhere\"} 5",
           "removed_backups_total{database=\"shop\"} 17",
           "notifications_failed_total{database=\"shop\"} 6",
           "store_reachable{database=\"shop\",store=\"s3:far\"} 0",
           "store_backups{database=\"shop\",store=\"local\"} 20",
           "store_size_bytes{database=\"shop\",store=\"local\"} 34000000000",
           "store_last_success_timestamp_seconds{database=\"shop\",store=\"s3:far\"} 0",
           "store_looked_at_timestamp_seconds{database=\"shop\",store=\"s3:far\"} 1795381528.123",
       }) {
    EXPECT_THAT(text, HasSubstr(std::string("\npgstow_") + line + "\n"));
  }
}

// Names of files, errors and run ids are too many values for a label, and not for everybody's eyes.
TEST(Metrics, NameNoBackupRunOrError) {
  const std::string text = metrics_text(testing_standing());
  EXPECT_THAT(text, Not(HasSubstr("backup_2026")));
  EXPECT_THAT(text, Not(HasSubstr("6a6e2f2e")));
  EXPECT_THAT(text, Not(HasSubstr("no answer")));
}

TEST(Metrics, EveryFamilyIsThereBeforeAnythingHappened) {
  const std::string text = metrics_text(Standing{});
  EXPECT_EQ(families(text), families(metrics_text(testing_standing())));
  EXPECT_THAT(text, HasSubstr("\npgstow_up_to_date{database=\"\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npgstow_last_success_timestamp_seconds{database=\"\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npgstow_runs_total{database=\"\",outcome=\"failed\"} 0\n"));
}

TEST(Metrics, ABackupThatIsTooOldIsNotUpToDate) {
  Standing standing = testing_standing();
  standing.stale_from = standing.now;
  EXPECT_THAT(metrics_text(standing), HasSubstr("\npgstow_up_to_date{database=\"shop\"} 0\n"));
  standing.last_job->kind = Event::Kind::kRecovered;
  EXPECT_THAT(metrics_text(standing), HasSubstr(",outcome=\"good\"} 1\n"));
}

TEST(Metrics, HostileNamesBreakNoLine) {
  for (const char* name :
       {"a\"} 1\npgstow_up_to_date 1\n", "back\\slash\\", "\xC3\xA9\xFF\xE2\x82", "\x01\t\r"}) {
    Standing standing = testing_standing();
    standing.database = name;
    standing.stores[0].name = name;
    const std::string text = metrics_text(standing);
    EXPECT_EQ(promtool(text), "") << text;
    EXPECT_EQ(split(text, '\n').size(), split(metrics_text(testing_standing()), '\n').size());
  }
}

class MetricsFileTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_ / "pgstow.prom"; }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.path()),
                      std::filesystem::directory_iterator()));
  }

  test::TempDir folder_;
};

TEST_F(MetricsFileTest, IsReplacedWholeAndReadableByOthers) {
  const mode_t before = ::umask(0077);
  write_metrics_file(path(), "one\n");
  write_metrics_file(path(), "two\n");
  ::umask(before);
  EXPECT_EQ(read_file(path()), "two\n");
  struct stat s{};
  ASSERT_EQ(::stat(path().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0644U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(MetricsFileTest, LinksAreReplacedNotFollowed) {
  write_file(folder_ / "precious", "precious");
  std::filesystem::create_symlink(folder_ / "precious", path());
  std::filesystem::create_symlink(folder_ / "precious", folder_ / ".pgstow.prom.part");
  write_metrics_file(path(), "one\n");
  EXPECT_EQ(read_file(folder_ / "precious"), "precious");
  EXPECT_EQ(read_file(path()), "one\n");
  EXPECT_FALSE(std::filesystem::is_symlink(path()));
}

TEST_F(MetricsFileTest, WhatCanNotBeWrittenLeavesNothingBehind) {
  EXPECT_THROW(write_metrics_file(folder_ / "none" / "pgstow.prom", "one\n"), Error);
  std::filesystem::create_directories(path() / "in the way");
  EXPECT_THROW(write_metrics_file(path(), "one\n"), Error);
  EXPECT_EQ(files(), 1U);
}

}  // namespace
}  // namespace pgstow
