#include "backup/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing_backup.h"
#include "base/error.h"
#include "harness/program.h"
#include "store/local.h"

namespace pgstow {
namespace {

class Selection : public testing::Test {
 protected:
  void add(const std::string& stem, const std::string& database, const std::string& content) {
    testing_backup::add(store, stem, database, content);
  }

  void add_of(const std::string& server, const std::string& stem,
              const std::string& content = "archive") {
    Manifest m = testing_backup::manifest_of(stem, "shop", content);
    m.system_identifier = server;
    write_object(store, m.archive, content, Existing::kRefuse);
    write_object(store, manifest_key(m.archive), to_json(m), Existing::kRefuse);
  }
  std::string latest(const Wanted& wanted) {
    return select_backup(list_backups(store), "latest", wanted).key;
  }
  // The message of the error it ends with.
  template <typename Kind>
  std::string refusal(const Wanted& wanted) {
    try {
      return "no error, but " + latest(wanted);
    } catch (const Kind& e) {
      return e.what();
    }
  }

  const Wanted prod{.database = "shop", .system_identifier = "1"};
  test::TempDir folder;
  LocalStore store{folder.path()};
};

TEST_F(Selection, SelectsByNumberNameAndDatabase) {
  add("backup_20260101_000000", "shop", "a");
  add("backup_20260102_000000", "shop_staging", "b");
  add("backup_20260103_000000", "shop", "");  // empty: damaged
  const std::vector<Backup> backups = list_backups(store);
  const auto select = [&](const std::string& choice, const std::string& database) {
    return select_backup(backups, choice, {.database = database}).key;
  };
  EXPECT_EQ(select("latest", "shop"), "backup_20260101_000000.dump.gz");
  EXPECT_EQ(select("", "shop_staging"), "backup_20260102_000000.dump.gz");
  EXPECT_EQ(select("2", "shop"), "backup_20260102_000000.dump.gz");
  EXPECT_EQ(select("backup_20260101_000000", ""), "backup_20260101_000000.dump.gz");
  EXPECT_EQ(select("backup_20260101", ""), "backup_20260101_000000.dump.gz");
  EXPECT_THROW(select("backup_2026", ""), NotFound);  // three fit
  EXPECT_THROW(select("0", ""), NotFound);
  EXPECT_THROW(select("4", ""), NotFound);
  EXPECT_THROW(select("-1", ""), NotFound);
  EXPECT_THROW(select("latest", "other"), NotFound);
  EXPECT_THROW(select("backup_20260101_000001.dump.gz", ""), NotFound);
}

TEST_F(Selection, TheLatestIsOfTheServerItself) {
  add_of("1", "backup_20260101_000000");
  add_of("2", "backup_20260102_000000");
  EXPECT_EQ(latest(prod), "backup_20260101_000000.dump.gz");
  EXPECT_EQ(latest({.database = "shop"}), "backup_20260102_000000.dump.gz");
}

// The volume is gone, or the database moved: the new server has another identity.
TEST_F(Selection, WithoutOwnOnesTheOnlyOtherServersAreTaken) {
  add_of("2", "backup_20260101_000000");
  add_of("2", "backup_20260102_000000");
  EXPECT_EQ(latest(prod), "backup_20260102_000000.dump.gz");
  EXPECT_EQ(latest({.database = "shop", .system_identifier = ""}),
            "backup_20260102_000000.dump.gz");
}

TEST_F(Selection, OfSeveralOtherServersNoneIsTaken) {
  add_of("2", "backup_20260101_000000");
  add_of("3", "backup_20260102_000000");
  EXPECT_THAT(refusal<ConfigError>(prod),
              testing::AllOf(testing::HasSubstr("backup_20260101_000000.dump.gz is the newest of "
                                                "server 2"),
                             testing::HasSubstr("backup_20260102_000000.dump.gz")));
}

TEST_F(Selection, AnothersDoesNotSlipIntoThePlaceOfADamagedOwnOne) {
  add_of("1", "backup_20260101_000000");
  add_of("2", "backup_20260102_000000");
  write_object(store, "backup_20260101_000000.dump.gz", "longer than it was", Existing::kReplace);
  EXPECT_THAT(refusal<Corrupt>(prod), testing::HasSubstr("backup_20260101_000000.dump.gz"));
}

TEST_F(Selection, DamagedOnesThatAreLeftAreNamed) {
  EXPECT_THAT(refusal<NotFound>(prod), testing::StartsWith("No backups found"));
  add_of("1", "backup_20260101_000000", "");
  write_object(store, "backup_20260102_000000.dump.gz", "", Existing::kRefuse);
  EXPECT_THAT(refusal<Corrupt>(prod),
              testing::HasSubstr("backup_20260102_000000.dump.gz, backup_20260101_000000.dump.gz"));
}

}  // namespace
}  // namespace pgstow
