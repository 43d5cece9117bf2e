// Several databases of one server: all in one run, each in a folder of its own; one that fails, one
// that comes later, some that are left out, names that mean harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <signal.h>

#include <boost/json.hpp>
#include <filesystem>

#include "base/json.h"
#include "e2e/faults.h"
#include "harness/rgw.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

// Folder and name, as hostile as PostgreSQL lets names be.
const std::vector<std::pair<std::string, std::string>> kNames{
    {"shop", "shop"},
    {"Shop", "Shop"},
    {"../../escape", "%2E.%2F..%2Fescape"},
    {"..", "%2E."},
    {" odd  name ", "%20odd%20%20name%20"},
    {"b\u00fccher", "b%C3%BCcher"},
    {"a,b*", "a%2Cb%2A"},
    {"host=evil dbname=x", "host%3Devil%20dbname%3Dx"},
    {"q'\"\\$(id)`x`", "q%27%22%5C%24%28id%29%60x%60"},
};

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

class Databases : public testing::Test {
 protected:
  Databases() { pgstow.with("BACKUP_DATABASES=*,!postgres,!test_*"); }

  void add(const std::string& name, int rows = 5) const {
    server.sql("postgres", "create database " + quoted(name));
    Program fill{.argv = {postgres_programs() / "psql", "-qc",
                          "create table t(i int primary key, of text); insert into t select i, "
                          "current_database() from generate_series(1, " +
                              std::to_string(rows) + ") i"},
                 .env = server.environment()};
    fill.env.push_back("PGDATABASE=" + name);
    run_ok(fill);
  }
  std::vector<std::string> folders() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(pgstow.backups())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with('.')) names.push_back(name);
    }
    return names;
  }
  std::vector<fs::path> archives_in(const std::string& folder) const {
    std::vector<fs::path> found;
    if (!fs::exists(pgstow.backups() / folder)) return found;
    for (const auto& entry : fs::directory_iterator(pgstow.backups() / folder)) {
      if (entry.path().native().ends_with(".dump.gz")) found.push_back(entry.path());
    }
    return found;
  }
  std::size_t backups_of(const std::string& folder) const { return archives_in(folder).size(); }
  std::string rows_of(const std::string& name) const {
    Program ask{.argv = {postgres_programs() / "psql", "-Atqc", "select count(*), min(of) from t"},
                .env = server.environment()};
    ask.env.push_back("PGDATABASE=" + name);
    return run_ok(ask);
  }

  TestServer server;
  Pgstow pgstow{server, "postgres"};
};

TEST_F(Databases, OneThatFailsDoesNotStopTheOthers) {
  for (const auto& [name, folder] : kNames) add(name);
  add("broken");
  add("test_1");
  server.sql("postgres", "create database closed allow_connections false");
  server.sql("broken", "alter database broken with connection limit 0");
  server.sql("postgres", "create role keeper login; grant pg_read_all_data to keeper");
  Program program = pgstow.program({"backup", "--json"});
  program.env.insert(program.env.begin(), "PGUSER=keeper");
  const Outcome backup = run(program);
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(backup.err, AllOf(HasSubstr("1 of 10 databases failed"), HasSubstr("broken: ")));
  EXPECT_THAT(backup.err, Not(HasSubstr("are not kept"))) << "the globals of each";
  const auto answer = parse_json_object(backup.out, "answer");
  EXPECT_THAT(get_array(answer, "databases", "answer"), SizeIs(10));
  std::vector<std::string> expected;
  for (const auto& [name, folder] : kNames) {
    expected.push_back(folder);
    EXPECT_EQ(backups_of(folder), 1U) << folder;
  }
  EXPECT_THAT(folders(), UnorderedElementsAreArray(expected));
  EXPECT_FALSE(fs::exists(pgstow.folder() / "escape"));

  const Outcome list = pgstow.run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.describe();
  for (const auto& [name, folder] : kNames) {
    EXPECT_THAT(list.out, HasSubstr(name == kNames.back().first ? "q'" : name + ":\n"));
  }
  const Outcome verify = pgstow.run({"verify", "--all", "--json"});
  EXPECT_EQ(verify.exit_code, 0) << verify.describe();
  for (const std::string& folder : expected) {
    EXPECT_THAT(archive_text(archives_in(folder).at(0)), HasSubstr("COPY public.t"));
  }
  // Some come back under their names, with their rows.
  std::vector<Running> restores;
  const std::vector<std::string> restored{"../../escape", "a,b*", "Shop", kNames.back().first};
  for (const std::string& name : restored) {
    run_ok({.argv = {postgres_programs() / "dropdb", "--", name}, .env = server.environment()});
    restores.emplace_back(pgstow.program({"restore", "--yes", "--database", name}));
  }
  for (Running& restore : restores) {
    const Outcome outcome = restore.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  }
  for (const std::string& name : restored) EXPECT_EQ(rows_of(name), "5|" + name + "\n");
}

TEST_F(Databases, WhatComesLaterIsInTheNextRunAndEachIsRotatedForItself) {
  add("shop");
  add("test_1");
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  EXPECT_THAT(folders(), ElementsAre("shop"));
  add("blog");
  add("shop__before_20260101_030000");
  const std::vector<std::string> narrow{"backup", "--keep-daily",   "0", "--keep-weekly",
                                        "0",      "--keep-monthly", "0", "--keep-last",
                                        "1"};
  const Outcome next = pgstow.run(narrow);
  ASSERT_EQ(next.exit_code, 0) << next.describe();
  EXPECT_THAT(folders(), UnorderedElementsAre("blog", "shop"));
  EXPECT_EQ(backups_of("shop"), 1U) << "the older one is removed";
  EXPECT_EQ(backups_of("blog"), 1U);
  EXPECT_THAT(next.err, HasSubstr("Rotated backups: deleted 1 old backup(s)"));

  const Outcome single = pgstow.run({"backup", "--database", "blog"});
  EXPECT_EQ(single.exit_code, 0) << single.describe();
  EXPECT_EQ(backups_of("blog"), 2U);
  EXPECT_EQ(backups_of("shop"), 1U);
  EXPECT_EQ(pgstow
                .run({"prune", "--database", "blog", "--keep-daily", "0", "--keep-weekly", "0",
                      "--keep-monthly", "0", "--keep-last", "1"})
                .exit_code,
            0);
  EXPECT_EQ(backups_of("blog"), 1U);
  // What is dropped there can still be listed and restored, and does not make a run fail.
  server.sql("postgres", "drop database blog");
  EXPECT_EQ(pgstow.run({"backup"}).exit_code, 0);
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("blog:"));
  EXPECT_EQ(pgstow.run({"restore", "--yes", "--database", "blog"}).exit_code, 0);
  EXPECT_EQ(rows_of("blog"), "5|blog\n");
}

TEST_F(Databases, WhichOneIsMeantHasToBeSaid) {
  add("shop");
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  for (const char* command : {"restore", "undo"}) {
    const Outcome outcome = pgstow.run({command, "--yes"});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("--database"), HasSubstr("shop")));
  }
  EXPECT_EQ(pgstow.run({"verify", "1"}).exit_code, 2);
  EXPECT_EQ(pgstow.run({"keep", "1"}).exit_code, 2);
  EXPECT_EQ(pgstow.run({"keep", "1", "--database", "shop"}).exit_code, 0);
  EXPECT_EQ(pgstow.run({"verify", "1", "--database", "shop"}).exit_code, 0);
  EXPECT_EQ(pgstow.run({"list", "--databases", "a,,b"}).exit_code, 2);
  const Outcome none = pgstow.run({"backup", "--databases", "nothing_*"});
  EXPECT_EQ(none.exit_code, 10) << none.describe();
  const Outcome missing = pgstow.run({"backup", "--databases", "shop,gone"});
  EXPECT_EQ(missing.exit_code, 3) << missing.describe();
  EXPECT_THAT(missing.err, HasSubstr("gone"));

  Pgstow one(server, "shop");
  EXPECT_EQ(one.run({"list", "--database", "shop"}).exit_code, 2);
  // From one to several: what was there is not lost from sight.
  ASSERT_EQ(one.run({"backup"}).exit_code, 0);
  one.with("BACKUP_DATABASES=*");
  EXPECT_THAT(one.run({"list"}).err, HasSubstr("beside the databases' folders are not listed"));
  fs::create_directory(one.backups() / "shop");
  for (const std::string& name : one.files("")) {
    if (name != "shop") fs::rename(one.backups() / name, one.backups() / "shop" / name);
  }
  const Outcome moved = one.run({"restore", "--yes", "--database", "shop"});
  EXPECT_EQ(moved.exit_code, 0) << moved.describe();
}

TEST_F(Databases, AFurtherStoreGetsFoldersOnlyWhereItsOwnIs) {
  add("shop");
  const fs::path usb = pgstow.folder() / "usb";
  pgstow.with("BACKUP_STORES=local,local:usb").with("BACKUP_LOCAL_USB_PATH=" + usb.string());
  EXPECT_EQ(pgstow.run({"backup"}).exit_code, 3) << "not mounted";
  EXPECT_FALSE(fs::exists(usb));
  fs::create_directory(usb);
  const Outcome sync = pgstow.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.describe();
  EXPECT_EQ(contents(usb / "shop").size(), 3U);
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(Databases, InABucketEachHasAPrefixOfItsOwn) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  pgstow.with_bucket(rgw.https_url(), fmt::format("s3://{}/here", bucket), rgw.admin())
      .with("BACKUP_STORES=s3")
      .with("BACKUP_S3_CA=" + rgw.ca().string())
      .with("BACKUP_STATE_PATH=" + (pgstow.folder() / "state").string());
  const std::string odd = "../b\u00fc %x+&'";
  add("shop");
  add(odd);
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_THAT(rgw.keys(bucket),
              Contains(StartsWith("here/%2E.%2Fb%C3%BC%20%25x%2B%26%27/backup_")));
  EXPECT_THAT(pgstow.run({"list"}).out, AllOf(HasSubstr(odd + ":\n"), HasSubstr("shop:\n")));
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  server.sql("postgres", "drop database " + quoted(odd));
  const Outcome restore = pgstow.run({"restore", "--yes", "--database", odd});
  EXPECT_EQ(restore.exit_code, 0) << restore.describe();
  EXPECT_EQ(rows_of(odd), "5|" + odd + "\n");
}

TEST_F(Databases, TheServiceMakesThemAllAndTellsOfEach) {
  add("shop");
  add("blog");
  server.sql("postgres", "alter database blog with connection limit 0");
  server.sql("postgres", "create role keeper login; grant pg_read_all_data to keeper");
  pgstow.with("BACKUP_SCHEDULE_CRON=0 0 1 1 *").with("BACKUP_HTTP_LISTEN=off");
  pgstow.with("BACKUP_METRICS_FILE=" + (pgstow.folder() / "m.prom").string());
  Program program = pgstow.program({"run"});
  program.env.insert(program.env.begin(), "PGUSER=keeper");
  Running service(program);
  await("the run",
        [&] { return service.err().find("1 of 2 databases failed") != std::string::npos; });
  EXPECT_THAT(service.err(), HasSubstr("blog: "));
  const Outcome bad = pgstow.run({"status"});
  EXPECT_EQ(bad.exit_code, 3) << bad.describe();
  EXPECT_THAT(bad.out, AllOf(HasSubstr("blog has no backup yet"), HasSubstr("shop: backup_"),
                             HasSubstr("1 of 2 databases failed")));
  // It is tried again; what has its backup is left alone.
  server.sql("postgres", "alter database blog with connection limit -1");
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait().exit_code, 0);
  Running again(program);
  await("the backup of blog", [&] { return backups_of("blog") == 1; });
  await("a good status", [&] { return pgstow.run({"status"}).exit_code == 0; });
  again.signal(SIGTERM);
  again.wait();
  EXPECT_EQ(backups_of("shop"), 1U);
  EXPECT_THAT(
      read_file(pgstow.folder() / "m.prom"),
      AllOf(HasSubstr("pgstow_database_last_success_timestamp_seconds"), HasSubstr("of=\"blog\"")));
}

}  // namespace
}  // namespace pgstow::test
