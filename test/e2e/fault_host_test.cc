// A backup on a host that has no room, no rights, an odd umask, or too many of us at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <set>

#include "base/error.h"
#include "e2e/faults.h"
#include "e2e/small_disk.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FaultHost : public testing::Test {
 protected:
  FaultHost() {
    server.create_database("shop");
    server.sql("shop", kShop);
  }

  // `pgstow backup` behind another program that runs it, such as prlimit.
  Program behind(std::vector<std::string> argv) const {
    Program program = pgstow.program({"backup"});
    argv.insert(argv.end(), program.argv.begin(), program.argv.end());
    program.argv = std::move(argv);
    return program;
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(FaultHost, FileSizeLimitAtManyPlaces) {
  const Unharmed unharmed(server, "shop", pgstow);
  // Its messages go to a file, too, and have to fit.
  for (const char* size : {"1000", "4096", "20000", "100000", "300000", "500000"}) {
    SCOPED_TRACE(size);
    const Outcome outcome = run(behind({"prlimit", std::string("--fsize=") + size}));
    EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("File too large"));
    EXPECT_THAT(parts(pgstow), IsEmpty());
    EXPECT_THAT(pgstow.archives(), SizeIs(1));
  }
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(FaultHost, DiskFullAtManyPlaces) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount; FileSizeLimitAtManyPlaces is for all";
  const std::string text = dump_text(server, "shop");
  int made = 0;
  for (const int kilobytes : {4, 8, 16, 64, 256, 512, 640, 2048}) {
    SCOPED_TRACE(kilobytes);
    const SmallDisk disk(pgstow.backups(), kilobytes);
    const Outcome outcome = pgstow.run({"backup"});
    if (outcome.ok()) {
      ++made;
      EXPECT_THAT(falsely_good(pgstow, text), IsEmpty());
      continue;
    }
    EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("No space left on device"));
    EXPECT_THAT(outcome.err, HasSubstr("hint: "));
    EXPECT_THAT(contents(pgstow.backups()), IsEmpty());
  }
  EXPECT_GE(made, 1);
  EXPECT_LE(made, 4);
}

TEST_F(FaultHost, OldBackupsSurviveAFullDisk) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  const SmallDisk disk(pgstow.backups(), 1000);
  const Unharmed unharmed(server, "shop", pgstow);
  const Outcome outcome = pgstow.run({"backup"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_EQ(unharmed.after_fault(), "");
}

TEST_F(FaultHost, FolderThatCannotBeWritten) {
  write_file(pgstow.folder() / "file", "");
  for (const char* path : {"file", "file/backups", "/proc/backups"}) {
    Program program = pgstow.program({"backup"});
    program.env.insert(program.env.begin(), std::string("BACKUP_LOCAL_PATH=") + path);
    const Outcome outcome = run(program);
    EXPECT_FALSE(outcome.ok());
    EXPECT_NE(outcome.exit_code, -1);
    EXPECT_THAT(outcome.err, HasSubstr(path));
  }
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody who may not write there";
  fs::create_directory(pgstow.backups());
  fs::permissions(pgstow.folder(), fs::perms(0755));
  const Outcome outcome =
      run(behind({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("Permission denied"));
  EXPECT_THAT(outcome.err, HasSubstr("hint: "));
}

TEST_F(FaultHost, ModesArePrivateWhateverTheUmask) {
  for (const char* mask : {"000", "077", "777"}) {
    SCOPED_TRACE(mask);
    fs::remove_all(pgstow.backups());
    const Outcome outcome =
        run(behind({"bash", "-c", std::string("umask ") + mask + "; exec \"$@\"", "bash"}));
    EXPECT_TRUE(outcome.ok()) << outcome.describe();
    const auto all = fs::perms::mask;
    EXPECT_EQ(fs::status(pgstow.backups()).permissions() & all, fs::perms(0700));
    for (const auto& entry : fs::directory_iterator(pgstow.backups())) {
      EXPECT_EQ(entry.status().permissions() & all, fs::perms(0600)) << entry.path();
    }
  }
}

// From another folder, as from another host: there only the server knows.
TEST_F(FaultHost, SecondHostIsTurnedAwayToo) {
  const FakeTool dump = pausing_dump();
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  Running first(program);
  dump.await_pause(first);
  const Pgstow elsewhere(server, "shop");
  const Outcome second = elsewhere.run({"backup"});
  EXPECT_EQ(second.exit_code, 11) << second.describe();
  EXPECT_THAT(second.err, AllOf(HasSubstr("already running: server process"), HasSubstr("hint: ")));
  dump.resume();
  EXPECT_TRUE(first.wait().ok());
  EXPECT_EQ(elsewhere.run({"backup"}).exit_code, 0);
}

TEST_F(FaultHost, WhatPgDumpWarnsOfIsAWarningInTheExitCode) {
  const FakeTool dump("pg_dump",
                      "echo 'pg_dump: warning: something was left out' >&2; exec \"$REAL\" \"$@\"");
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("something was left out"));
  EXPECT_THAT(pgstow.archives(), SizeIs(1));
}

TEST_F(FaultHost, SecondRunIsTurnedAwayAndToldByWhom) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  Running first(program);
  dump.await_pause(first);
  const Outcome second = pgstow.run({"backup"});
  EXPECT_EQ(second.exit_code, 11) << second.describe();
  EXPECT_THAT(second.err, HasSubstr("pid " + std::to_string(first.pid())));
  EXPECT_THAT(second.err, HasSubstr("hint: "));
  dump.resume();
  EXPECT_TRUE(first.wait().ok());
  EXPECT_THAT(pgstow.archives(), SizeIs(2));
  EXPECT_EQ(unharmed.after_next_run(), "");
}

// Every other one makes .dump.zst: the manifests would have the same name.
TEST_F(FaultHost, EightDatabasesIntoOneFolderAtOnce) {
  std::vector<std::unique_ptr<Running>> runs;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "db" + std::to_string(i);
    server.create_database(name);
    server.sql(name, "create table t as select " + std::to_string(i) + " as i");
  }
  for (int i = 0; i < 8; ++i) {
    Program program = pgstow.program({"backup"});
    program.env.insert(program.env.begin(), "PGDATABASE=db" + std::to_string(i));
    if (i % 2 == 1) program.env.push_back("BACKUP_COMPRESSION=zstd:1");
    runs.push_back(std::make_unique<Running>(program));
  }
  for (const auto& one : runs) {
    const Outcome outcome = one->wait();
    EXPECT_TRUE(outcome.ok()) << outcome.describe();
  }
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_THAT(pgstow.archives(), SizeIs(4));
  EXPECT_THAT(pgstow.files(".dump.zst"), SizeIs(4));
  EXPECT_THAT(pgstow.run({"list"}).out,
              AllOf(Not(HasSubstr("damaged")), Not(HasSubstr("no proof"))));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  std::set<std::string> held;
  for (const std::string& name : pgstow.archives()) {
    held.insert(archive_text(pgstow.backups() / name));
  }
  EXPECT_THAT(held, SizeIs(4));  // each database is there, none twice
}

}  // namespace
}  // namespace pgstow::test
