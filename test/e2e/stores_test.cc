// Several stores in one run: a second folder stands for the second store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/faults.h"
#include "harness/dump_text.h"
#include "harness/scripted_s3.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class SeveralStores : public testing::Test {
 protected:
  SeveralStores() {
    server.create_database("shop");
    server.sql("shop", kShop);
    pgstow.with("BACKUP_STORES=local,local:usb").with("BACKUP_LOCAL_USB_PATH=" + usb.string());
    fs::create_directory(usb);
  }

  // One byte of the file is another; its length is the same.
  static void flip(const fs::path& file) {
    std::string bytes = read_file(file);
    bytes[bytes.size() / 2] ^= 1;
    write_file(file, bytes);
  }
  std::string backed_up() {
    const Outcome outcome = pgstow.run({"backup"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
    return pgstow.archives().at(0);
  }
  static std::string manifest_of(const std::string& archive) {
    return archive.substr(0, archive.find(".dump")) + ".json";
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
  fs::path usb = pgstow.folder() / "usb";
};

TEST_F(SeveralStores, OneRunWritesThemAllAndARestoreTakesTheNearestWholeOne) {
  const std::string before = dump_text(server, "shop");
  const Outcome backup = pgstow.run({"backup", "--json"});
  ASSERT_EQ(backup.exit_code, 0) << backup.describe();
  const std::string name = pgstow.archives().at(0);
  EXPECT_THAT(backup.out, AllOf(HasSubstr((pgstow.backups() / name).string()),
                                HasSubstr((usb / name).string())));
  EXPECT_EQ(read_file(usb / name), read_file(pgstow.backups() / name));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local local:usb"));
  EXPECT_THAT(pgstow.run({"list", "--from", "local:usb"}).out, Not(HasSubstr("local local:usb")));

  fs::resize_file(pgstow.backups() / name, 100);
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local:usb local(damaged)"));
  const Outcome all = pgstow.run({"verify", "--all"});
  EXPECT_EQ(all.exit_code, 4) << all.describe();
  EXPECT_THAT(all.out, AllOf(HasSubstr("DAMAGED"), HasSubstr("good")));
  server.sql("shop", "drop table note cascade");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_EQ(dump_text(server, "shop"), before);
  EXPECT_EQ(pgstow.run({"restore", "--yes", "--from", "local"}).exit_code, 4);

  const Outcome sync = pgstow.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.describe();
  EXPECT_THAT(sync.out, HasSubstr("local:usb -> local"));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  EXPECT_THAT(pgstow.run({"sync"}).out, HasSubstr("up to date"));
}

TEST_F(SeveralStores, OneThatFailsTakesNobodyWithItAndIsServedByTheNextRun) {
  fs::remove(usb);
  write_file(usb, "no folder");
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(backup.err, AllOf(HasSubstr("local:usb"), HasSubstr("Backup completed")));
  ASSERT_THAT(pgstow.archives(), SizeIs(1));
  EXPECT_THAT(pgstow.files(".missed.json"), SizeIs(1));
  const Outcome list = pgstow.run({"list"});
  EXPECT_EQ(list.exit_code, 3) << list.describe();
  EXPECT_THAT(list.out, HasSubstr(pgstow.archives().at(0)));

  fs::remove(usb);
  fs::create_directory(usb);
  const Outcome next = pgstow.run({"backup"});
  EXPECT_EQ(next.exit_code, 0) << next.describe();
  EXPECT_THAT(pgstow.files(".missed.json"), SizeIs(0));
  for (const std::string& name : pgstow.archives()) {
    EXPECT_EQ(read_file(usb / name), read_file(pgstow.backups() / name)) << name;
  }
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(SeveralStores, WhenNoneWorksTheRunFails) {
  fs::remove(usb);
  write_file(usb, "no folder");
  fs::create_directory(pgstow.backups());
  const Outcome backup = pgstow.run({"backup", "--stores", "local:usb"});
  EXPECT_NE(backup.exit_code, 0);
  EXPECT_NE(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(pgstow.archives(), SizeIs(0));
}

TEST_F(SeveralStores, TheFirstOneThatFailsTakesNobodyWithItEither) {
  write_file(pgstow.backups(), "no folder");
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(pgstow.run({"list", "--from", "local:usb"}).out, HasSubstr("unverified"));
}

TEST_F(SeveralStores, ADiskThatIsNotMountedIsNotWrittenBeside) {
  fs::remove(usb);
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(backup.err, AllOf(HasSubstr("no such folder"), HasSubstr("mounted?")));
  EXPECT_FALSE(fs::exists(usb));
}

TEST_F(SeveralStores, OneFolderUnderTwoNamesIsRefused) {
  const fs::path link = pgstow.folder() / "link";
  fs::create_symlink(pgstow.backups(), link);
  fs::create_directory(pgstow.backups());
  for (const fs::path& same : {pgstow.backups(), pgstow.backups() / "..//backups/", link}) {
    Program program = pgstow.program({"backup"});
    program.env.insert(program.env.begin(), "BACKUP_LOCAL_USB_PATH=" + same.string());
    const Outcome outcome = run(program);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("are the same folder"));
  }
}

TEST_F(SeveralStores, ACopyThatSyncRepairedIsGoodAgain) {
  const std::string name = backed_up();
  flip(usb / name);
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 4);
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local:usb(damaged)"));
  EXPECT_EQ(pgstow.run({"sync"}).exit_code, 0);
  EXPECT_EQ(read_file(usb / name), read_file(pgstow.backups() / name));
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("damaged")));
  EXPECT_THAT(pgstow.run({"sync"}).out, HasSubstr("up to date"));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(SeveralStores, NoManifestIsPutToBytesItDoesNotDescribe) {
  const std::string name = backed_up();
  flip(usb / name);
  fs::remove(usb / manifest_of(name));
  EXPECT_EQ(pgstow.run({"sync"}).exit_code, 0);
  EXPECT_EQ(read_file(usb / name), read_file(pgstow.backups() / name));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(SeveralStores, ACutCopyWithoutItsManifestIsReplaced) {
  const std::string name = backed_up();
  fs::resize_file(usb / name, 1000);
  fs::remove(usb / manifest_of(name));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local local:usb(damaged)"));
  EXPECT_EQ(pgstow.run({"sync"}).exit_code, 0);
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  EXPECT_THAT(pgstow.run({"sync"}).out, HasSubstr("up to date"));
}

TEST_F(SeveralStores, ANearCopyThatTurnsOutDamagedIsPassedBy) {
  const std::string before = dump_text(server, "shop");
  const std::string name = backed_up();
  flip(pgstow.backups() / name);
  server.sql("shop", "drop table note cascade");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_THAT(restore.err, HasSubstr("trying the next one"));
  EXPECT_EQ(dump_text(server, "shop"), before);
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local(damaged)"));
  EXPECT_EQ(half_made(server), "0");

  // The same for sync: a third store is filled from the copy that is whole.
  fs::remove(pgstow.backups() / (name.substr(0, name.find(".dump")) + ".verified.json"));
  const fs::path third = pgstow.folder() / "third";
  fs::create_directory(third);
  Program program = pgstow.program({"sync", "--stores", "local,local:usb,local:third"});
  program.env.push_back("BACKUP_LOCAL_THIRD_PATH=" + third.string());
  const Outcome sync = run(program);
  EXPECT_EQ(read_file(third / name), read_file(usb / name)) << sync.describe();
}

// A time in a member's header, which only the digest of the whole file knows: all is loaded by
// then.
TEST_F(SeveralStores, ANearCopyWhoseDamageShowsAtItsEndIsPassedBy) {
  const std::string before = dump_text(server, "shop");
  const std::string name = backed_up();
  std::string bytes = read_file(pgstow.backups() / name);
  bytes[4] = static_cast<char>(bytes[4] ^ 1);
  write_file(pgstow.backups() / name, bytes);
  server.sql("shop", "drop table note cascade");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  ASSERT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_THAT(restore.err, HasSubstr("loading rows"));
  EXPECT_LT(restore.err.find("loading rows"), restore.err.find("trying the next one"));
  EXPECT_EQ(dump_text(server, "shop"), before);
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("local(damaged)"));
  EXPECT_EQ(half_made(server), "0");
}

// The server refuses: no other copy would help, and this one is not to blame.
TEST_F(SeveralStores, AnErrorOfTheServersIsNoDamageOfACopy) {
  server.sql("shop", "create role needed; alter table note owner to needed");
  backed_up();
  server.sql("shop", "alter table note owner to postgres; drop role needed");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 1) << restore.describe();
  EXPECT_THAT(restore.err, AllOf(HasSubstr("needed"), Not(HasSubstr("trying the next one"))));
  EXPECT_THAT(pgstow.run({"list"}).out, Not(HasSubstr("damaged")));
}

// What the other store says of itself is no damage of the copy that it was given.
TEST_F(SeveralStores, ATargetThatFailsItsCheckIsNoDamageOfTheSource) {
  server.sql("shop", kTwoParts);
  const std::string name = backed_up();
  ScriptedS3 s3;
  s3.on({.operation = Operation::kHeadObject}, "HEAD tells another size");
  pgstow.with_bucket(s3.url(), s3.bucket(), s3.admin())
      .with("BACKUP_STORES=local,s3")
      .with("BACKUP_S3_PART_SIZE=5M");
  const Outcome failed = pgstow.run({"sync"});
  EXPECT_NE(failed.exit_code, 0) << failed.describe();
  EXPECT_THAT(failed.err, AllOf(HasSubstr("lie there"), Not(HasSubstr("passed by"))));
  EXPECT_THAT(pgstow.run({"list", "--from", "local"}).out, Not(HasSubstr("damaged")));
  s3.clear();
  const Outcome sync = pgstow.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.describe();
  EXPECT_EQ(s3.objects().at(name).bytes, read_file(pgstow.backups() / name));
}

TEST_F(SeveralStores, AnUnusableNoteDoesNotHoldUpTheOthers) {
  fs::remove(usb);
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 3);
  write_file(pgstow.backups() / "backup_20260101_000000.missed.json", "");
  fs::create_directory(usb);
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  EXPECT_THAT(pgstow.files(".missed.json"), SizeIs(0));
  for (const std::string& name : pgstow.archives()) EXPECT_TRUE(fs::exists(usb / name)) << name;
}

TEST_F(SeveralStores, WrongNamesAreToldWithTheRightOnes) {
  const Outcome from = pgstow.run({"list", "--from", "tape"});
  EXPECT_EQ(from.exit_code, 2) << from.describe();
  EXPECT_THAT(from.err, HasSubstr("local, local:usb"));
  EXPECT_THAT(pgstow.run({"list", "--stores", "local,tape"}).err, HasSubstr("local:NAME"));
  EXPECT_THAT(pgstow.run({"list", "--stores", "local:none"}).err,
              HasSubstr("BACKUP_LOCAL_NONE_PATH"));
  EXPECT_THAT(pgstow.run({"list", "--stores", "local"}).err,
              HasSubstr("is for a store local:usb, which BACKUP_STORES does not name"));
  EXPECT_EQ(pgstow.run({"list", "--from", ""}).exit_code, 2);
}

}  // namespace
}  // namespace pgstow::test
