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

  test::TempDir folder;
  LocalStore store{folder.path()};
};

TEST_F(Selection, SelectsByNumberNameAndDatabase) {
  add("backup_20260101_000000", "shop", "a");
  add("backup_20260102_000000", "shop_staging", "b");
  add("backup_20260103_000000", "shop", "");  // empty: damaged
  const std::vector<Backup> backups = list_backups(store);
  const auto select = [&](const std::string& choice, const std::string& database) {
    return select_backup(backups, choice, database).key;
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

}  // namespace
}  // namespace pgstow
