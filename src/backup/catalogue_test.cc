#include "backup/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/testing_backup.h"
#include "harness/program.h"
#include "store/local.h"

namespace pgstow {
namespace {

class Catalogue : public testing::Test {
 protected:
  // A backup with a manifest; its archive is `content`, whatever that is.
  void add(const std::string& stem, const std::string& database, const std::string& content) {
    testing_backup::add(store, stem, database, content);
  }

  std::vector<std::string> keys() {
    std::vector<std::string> out;
    for (const Backup& backup : list_backups(store)) out.push_back(backup.key);
    return out;
  }

  test::TempDir folder;
  LocalStore store{folder.path()};
};

TEST_F(Catalogue, NewestFirstAndNothingElse) {
  add("backup_20260101_000000", "shop", "a");
  add("backup_20260301_000000", "shop", "b");
  write_object(store, "backup_20260201_000000.dump.zst", "old system's", Existing::kRefuse);
  write_object(store, "notes.txt", "no backup", Existing::kRefuse);
  write_object(store, "x.dump", "by hand", Existing::kRefuse);
  const std::vector<std::string> names = keys();
  ASSERT_EQ(names.size(), 4U);
  EXPECT_EQ(names[0], "x.dump");  // as old as the file: just made
  EXPECT_EQ(names[1], "backup_20260301_000000.dump.gz");
  EXPECT_EQ(names[2], "backup_20260201_000000.dump.zst");
  EXPECT_EQ(names[3], "backup_20260101_000000.dump.gz");
}

TEST_F(Catalogue, StatesSayWhatIsKnown) {
  add("backup_20260101_000000", "shop", "content");
  EXPECT_EQ(list_backups(store)[0].state(), "unverified");
  const std::string key = "backup_20260101_000000.dump.gz";
  const std::string sha256 = list_backups(store)[0].manifest->stored.sha256;
  record_verification(store, key,
                      {.time = {}, .good = true, .bytes = 7, .sha256 = sha256, .problem = {}});
  EXPECT_EQ(list_backups(store)[0].state(), "verified");
  record_verification(store, key,
                      {.time = {}, .good = false, .bytes = 7, .sha256 = {}, .problem = "cut"});
  EXPECT_EQ(list_backups(store)[0].state(), "damaged");
  // A record about other bytes than those that lie there now says nothing.
  record_verification(store, key,
                      {.time = {}, .good = false, .bytes = 8, .sha256 = {}, .problem = "cut"});
  EXPECT_EQ(list_backups(store)[0].state(), "unverified");
  write_object(store, key, "longer than it was", Existing::kReplace);
  EXPECT_EQ(list_backups(store)[0].state(), "damaged");
  store.remove(manifest_key(key));
  EXPECT_EQ(list_backups(store)[0].state(), "no proof");
}

TEST_F(Catalogue, AManifestOfAnotherArchiveIsNotBelieved) {
  add("backup_20260101_000000", "shop", "a");
  const std::string manifest = read_object(store, "backup_20260101_000000.json");
  write_object(store, "backup_20260102_000000.dump.gz", "b", Existing::kRefuse);
  write_object(store, "backup_20260102_000000.json", manifest, Existing::kRefuse);
  EXPECT_EQ(list_backups(store)[0].state(), "damaged");
}

TEST_F(Catalogue, ADamagedManifestDoesNotHideTheOthers) {
  add("backup_20260101_000000", "shop", "a");
  add("backup_20260102_000000", "shop", "b");
  write_object(store, "backup_20260102_000000.json", "{\"schema\": 1}", Existing::kReplace);
  const std::vector<Backup> backups = list_backups(store);
  ASSERT_EQ(backups.size(), 2U);
  EXPECT_EQ(backups[0].state(), "damaged");
  EXPECT_EQ(backups[1].state(), "unverified");
}

TEST_F(Catalogue, OrphansAreTold) {
  add("backup_20260101_000000", "shop", "a");
  store.remove("backup_20260101_000000.dump.gz");
  EXPECT_TRUE(list_backups(store).empty());
  EXPECT_THAT(orphaned_manifests(store), testing::ElementsAre("backup_20260101_000000.json"));
}

}  // namespace
}  // namespace pgstow
