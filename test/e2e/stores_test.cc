// Several stores in one run: a second folder stands for the second store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/faults.h"
#include "harness/dump_text.h"

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
  EXPECT_EQ(pgstow.run({"restore", "--yes", "--from", "local"}).exit_code, 10);

  const Outcome sync = pgstow.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.describe();
  EXPECT_THAT(sync.out, HasSubstr("local:usb -> local"));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  EXPECT_THAT(pgstow.run({"sync"}).out, HasSubstr("up to date"));
}

TEST_F(SeveralStores, OneThatFailsTakesNobodyWithItAndIsServedByTheNextRun) {
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
  const Outcome next = pgstow.run({"backup"});
  EXPECT_EQ(next.exit_code, 0) << next.describe();
  EXPECT_THAT(pgstow.files(".missed.json"), SizeIs(0));
  for (const std::string& name : pgstow.archives()) {
    EXPECT_EQ(read_file(usb / name), read_file(pgstow.backups() / name)) << name;
  }
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(SeveralStores, WhenNoneWorksTheRunFails) {
  write_file(usb, "no folder");
  fs::create_directory(pgstow.backups());
  const Outcome backup = pgstow.run({"backup", "--stores", "local:usb"});
  EXPECT_NE(backup.exit_code, 0);
  EXPECT_NE(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(pgstow.archives(), SizeIs(0));
}

TEST_F(SeveralStores, WrongNamesAreToldWithTheRightOnes) {
  const Outcome from = pgstow.run({"list", "--from", "tape"});
  EXPECT_EQ(from.exit_code, 2) << from.describe();
  EXPECT_THAT(from.err, HasSubstr("local, local:usb"));
  EXPECT_THAT(pgstow.run({"list", "--stores", "local,tape"}).err, HasSubstr("local:NAME"));
  EXPECT_THAT(pgstow.run({"list", "--stores", "local:none"}).err,
              HasSubstr("BACKUP_LOCAL_NONE_PATH"));
}

}  // namespace
}  // namespace pgstow::test
