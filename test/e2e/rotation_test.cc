// Rotation through the front door: after each backup, by hand, with pins and reasons.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/faults.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class Rotation : public testing::Test {
 protected:
  Rotation() {
    server.create_database("shop");
    server.sql("shop", kShop);
  }

  // Copies of a real backup, as the old system had them: an archive by name, no manifest.
  void plant(const std::string& archive, const std::vector<std::string>& stamps) {
    for (const std::string& stamp : stamps) {
      fs::copy_file(pgstow.backups() / archive,
                    pgstow.backups() / ("backup_" + stamp + ".dump.gz"));
    }
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(Rotation, ABackupRemovesTheOldOnesAndSaysSo) {
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  // Two of one month of 2021, long before: the older one goes, the newer one is the month's.
  plant(pgstow.archives().at(0), {"20210301_030000", "20210302_030000"});
  const Outcome list = pgstow.run({"list"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("kept for"), HasSubstr("newest, day, week, month")));
  const Outcome dry = pgstow.run({"prune", "--dry-run", "--keep-daily", "1", "--keep-weekly", "1"});
  EXPECT_EQ(dry.exit_code, 0) << dry.describe();
  EXPECT_THAT(dry.out, AllOf(HasSubstr("would be removed"), HasSubstr("month 2021-03")));
  ASSERT_THAT(pgstow.archives(), SizeIs(3));

  const Outcome backup = pgstow.run({"backup", "--keep-daily", "1", "--keep-weekly", "1"});
  EXPECT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("Rotated backups: deleted 1 old backup(s)"));
  EXPECT_THAT(pgstow.archives(), Not(Contains("backup_20210301_030000.dump.gz")));
  EXPECT_THAT(pgstow.archives(), Contains("backup_20210302_030000.dump.gz"));
}

TEST_F(Rotation, PinsSwitchesAndFailures) {
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  plant(pgstow.archives().at(0), {"20210301_030000", "20210302_030000"});
  const std::vector<std::string> narrow{"--keep-daily",   "1", "--keep-weekly", "1",
                                        "--keep-monthly", "1"};
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), narrow.begin(), narrow.end());
    return pgstow.run(words);
  };
  EXPECT_EQ(pgstow.run({"keep", "backup_20210301"}).exit_code, 0);
  EXPECT_EQ(run({"backup", "--rotation", "false"}).exit_code, 0);
  EXPECT_THAT(pgstow.archives(), SizeIs(4));
  EXPECT_NE(run({"backup", "--url", "postgresql:///nowhere"}).exit_code, 0);
  EXPECT_THAT(pgstow.archives(), SizeIs(4)) << "nothing goes after a failed run";
  const fs::path part = pgstow.backups() / ".backup_20210304_030000.dump.gz.part";
  write_file(part, "left by a dead run");
  EXPECT_EQ(run({"prune", "--dry-run"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(part));
  EXPECT_EQ(run({"prune"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(part));
  EXPECT_THAT(pgstow.archives(), AllOf(SizeIs(3), Contains("backup_20210301_030000.dump.gz")));
  EXPECT_EQ(pgstow.run({"keep", "--off", "backup_20210301"}).exit_code, 0);
  EXPECT_THAT(run({"prune", "--json"}).out, HasSubstr("\"removed\": 1"));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(Rotation, ADatabaseThatSuddenlyIsNearlyEmptyKeepsItsOldBackups) {
  server.sql("shop", "create table big as select generate_series(1, 20000) as i");
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  plant(pgstow.archives().at(0), {"20210301_030000", "20210302_030000"});
  server.sql("shop", "truncate big");
  const Outcome backup = pgstow.run({"backup", "--keep-daily", "1", "--keep-weekly", "1"});
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("far smaller"));
  EXPECT_THAT(pgstow.archives(), SizeIs(4));
  EXPECT_EQ(pgstow.run({"prune", "--force", "--keep-daily", "1", "--keep-weekly", "1"}).exit_code,
            0);
  EXPECT_THAT(pgstow.archives(), SizeIs(3));
}

TEST_F(Rotation, WrongSettingsAreRefused) {
  const Outcome none =
      pgstow.run({"list", "--keep-daily", "0", "--keep-weekly", "0", "--keep-monthly", "0"});
  EXPECT_EQ(none.exit_code, 2) << none.describe();
  EXPECT_THAT(none.err, HasSubstr("BACKUP_ROTATION=false"));
  EXPECT_EQ(pgstow.run({"list", "--keep-daily", "seven"}).exit_code, 2);
  EXPECT_EQ(pgstow.run({"list", "--timezone", "Mars/Base"}).exit_code, 2);
}

}  // namespace
}  // namespace pgstow::test
