// Databases that can't be backed up: unreachable, refused, locked, partly hidden. And what must
// never be seen of the passwords for them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "backup/manifest.h"
#include "base/error.h"
#include "e2e/faults.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Variables before all others: of two by one name, the first counts.
Outcome run_with(const Pgstow& pgstow, const std::vector<std::string>& variables,
                 const std::string& command = "backup") {
  Program program = pgstow.program({command});
  program.env.insert(program.env.begin(), variables.begin(), variables.end());
  return run(program);
}

class FaultSource : public testing::Test {
 protected:
  FaultSource() { server.create_database("shop"); }

  void expect_nothing_made() const {
    EXPECT_THAT(pgstow.archives(), IsEmpty());
    EXPECT_THAT(parts(pgstow), IsEmpty());
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(FaultSource, NoServerNoDatabaseNoRole) {
  const Outcome database = run_with(pgstow, {"PGDATABASE=shoop"});
  EXPECT_EQ(database.exit_code, 1) << database.describe();
  EXPECT_THAT(database.err, AllOf(HasSubstr("\"shoop\" does not exist"), HasSubstr("hint: ")));
  const Outcome role = run_with(pgstow, {"PGUSER=nobody_here"});
  EXPECT_EQ(role.exit_code, 1) << role.describe();
  EXPECT_THAT(role.err, AllOf(HasSubstr("\"nobody_here\" does not exist"), HasSubstr("hint: ")));
  const Outcome down = run_with(pgstow, {"PGHOST=/nowhere"});
  EXPECT_EQ(down.exit_code, 1) << down.describe();
  EXPECT_THAT(down.err, AllOf(HasSubstr("/nowhere"), HasSubstr("hint: is the server running")));
  const Outcome port = run_with(pgstow, {"DATABASE_URL=postgresql://x@127.0.0.1:1/shop"});
  EXPECT_EQ(port.exit_code, 1) << port.describe();
  EXPECT_THAT(port.err, HasSubstr("Connection refused"));
  expect_nothing_made();
}

TEST_F(FaultSource, LockHeldByAnotherSession) {
  server.sql("shop", "create table account(id int)");
  Running migration({.argv = {postgres_programs() / "psql", "-X", "-d", server.url("shop"), "-c",
                              "begin; alter table account add c int; select pg_sleep(600)"}});
  await("the migration's lock", [&] {
    return server.value("shop",
                        "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and "
                        "relation = 'account'::regclass") != "0";
  });
  const Outcome outcome = run_with(pgstow, {"BACKUP_LOCK_TIMEOUT=1s"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("account"), HasSubstr("LOCK TABLE"),
                                 HasSubstr("hint: another session holds an exclusive lock"),
                                 HasSubstr("BACKUP_LOCK_TIMEOUT")));
  expect_nothing_made();
  EXPECT_EQ(server.kill_backends("psql"), 1);
  EXPECT_TRUE(pgstow.run({"backup"}).ok());
}

// Between the snapshot and pg_dump's locks: its rows of the snapshot are gone then, and pg_dump
// would find none.
TEST_F(FaultSource, ATableThatIsEmptiedWhileTheDumpBeginsIsNotKeptEmpty) {
  server.sql("shop", "create table note as select generate_series(1, 10) as i");
  const FakeTool dump(
      "pg_dump",
      fmt::format(R"(if [ ! -e '{0}' ]; then touch '{0}'; '{1}' -qX -d '{2}' -c 'truncate note' )"
                  R"(-c 'insert into note values (4711)'; fi; exec "$REAL" "$@")",
                  (pgstow.folder() / "once").string(), (postgres_programs() / "psql").string(),
                  server.url("shop")));
  pgstow.with(dump.setting());
  const Outcome outcome = pgstow.run({"backup"});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("emptied or rewritten"), HasSubstr("note")));
  EXPECT_THAT(archive_text(pgstow.backups() / pgstow.archives().front()), HasSubstr("4711"));
}

TEST_F(FaultSource, GivesWayToAMigrationWhereThatIsWanted) {
  server.sql("shop", kShop);
  const FakeTool dump = pausing_dump();
  Program program = pgstow.program({"backup"});
  program.env.insert(program.env.end(), {dump.setting(), "BACKUP_GIVE_WAY_AFTER=1s"});
  Running backup(program);
  dump.await_pause(backup);
  server.sql("shop", "alter table account add column later int");
  const Outcome outcome = backup.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("gave way"), HasSubstr("AccessExclusiveLock of account"),
                                 HasSubstr("BACKUP_GIVE_WAY_AFTER=0")));
  expect_nothing_made();
  EXPECT_TRUE(pgstow.run({"backup"}).ok());
}

TEST_F(FaultSource, MissingRightsAreListedAtOnce) {
  server.sql("shop",
             "create role reader login; create table open(i int); grant select on open to reader;"
             "create table closed(i int); create table \"Also Closed\"(i serial);"
             "create schema hidden; create table hidden.t(i int);"
             "create table guarded(i int); alter table guarded enable row level security;"
             "grant select on guarded to reader; select lo_create(4711)");
  const Outcome outcome = run_with(pgstow, {"PGUSER=reader"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  for (const char* missing :
       {"table public.closed: no SELECT", "table public.\"Also Closed\": no SELECT",
        "sequence public.\"Also Closed_i_seq\": no SELECT", "schema hidden: no USAGE",
        "table hidden.t: no SELECT", "table public.guarded: row-level security",
        "large object 4711: no SELECT", "hint: "}) {
    EXPECT_THAT(outcome.err, HasSubstr(missing));
  }
  EXPECT_THAT(outcome.err, Not(HasSubstr("public.open")));
  expect_nothing_made();

  server.sql("shop",
             "alter role reader bypassrls; grant pg_read_all_data to reader;"
             "grant select on large object 4711 to reader");
  const Outcome allowed = run_with(pgstow, {"PGUSER=reader"});
  EXPECT_TRUE(allowed.ok()) << allowed.describe();
}

TEST_F(FaultSource, TimeoutsOfTheRoleDoNotEndADump) {
  server.sql("shop", std::string(kShop) +
                         "; alter role postgres set statement_timeout = 5000;"
                         "alter role postgres set lock_timeout = 5000;"
                         "alter role postgres set idle_in_transaction_session_timeout = 100");
  const FakeTool dump("pg_dump", R"("$REAL" "$@" | { head -c 200000; sleep 1; cat; })");
  const Outcome outcome = run_with(pgstow, {dump.setting()});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

TEST_F(FaultSource, StandbyCanBeBackedUp) {
  server.sql("shop", kShop);
  const TestServer standby = TestServer::standby_of(server);
  standby.catch_up(server);
  const Pgstow from_standby(standby, "shop");
  const Outcome outcome = from_standby.run({"backup"});
  ASSERT_TRUE(outcome.ok()) << outcome.describe();
  const std::string name = from_standby.files(".json").at(0);
  EXPECT_TRUE(parse_manifest(read_file(from_standby.backups() / name), name).standby);
  EXPECT_EQ(from_standby.run({"verify"}).exit_code, 0);

  const Outcome restore = from_standby.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 1) << restore.describe();
  EXPECT_THAT(restore.err, HasSubstr("standby"));
  server.sql("shop", "update account set owner = 'changed'");
  standby.catch_up(server);
  EXPECT_EQ(standby.value("shop", "select count(*) from account where owner = 'changed'"), "12000");
}

constexpr const char* kCanary = "c4nary&p@ss w/rd";
constexpr const char* kCanaryInUrl = "c4nary%26p%40ss%20w%2Frd";

class Secrets : public testing::Test {
 protected:
  Secrets() {
    server.create_database("shop");
    server.sql("shop",
               std::string(kShop) + "; create role app login superuser password '" + kCanary + "'");
  }

  std::string url(const std::string& password) const {
    return "DATABASE_URL=postgresql://app:" + password +
           "@127.0.0.1:" + std::to_string(server.port()) + "/shop";
  }
  static void expect_no_secret(const std::string& text) {
    for (const char* piece : {"c4nary", "p@ss", "p%40ss", "w/rd", "w%2Frd"}) {
      EXPECT_THAT(text, Not(HasSubstr(piece)));
    }
  }

  TestServer server{{.tcp = true, .auth = "scram-sha-256"}};
  Pgstow pgstow{server, "shop"};
};

TEST_F(Secrets, WrongPasswordIsNotRepeated) {
  const Outcome outcome = run_with(pgstow, {url("c4nary-p%40ss-wrong")});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("password authentication failed for user \"app\""));
  EXPECT_THAT(outcome.err, HasSubstr("hint: check the user and password"));
  expect_no_secret(outcome.out + outcome.err);
  EXPECT_THAT(pgstow.archives(), IsEmpty());
}

TEST_F(Secrets, UrlsThatAreCutWrongAreNotRepeated) {
  for (const char* password : {"c4nary&p@ss w/rd", "c4nary@p@ss", "c4nary/w/rd", "c4nary%p@ss",
                               "c4nary%zzp%40ss", "c4nary#p@ss", "c4nary?p@ss"}) {
    SCOPED_TRACE(password);
    for (const char* command : {"backup", "config"}) {
      const Outcome outcome = run_with(pgstow, {url(password)}, command);
      EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
      EXPECT_THAT(outcome.err, HasSubstr("hint: "));
      expect_no_secret(outcome.out + outcome.err);
    }
  }
}

TEST_F(Secrets, ShowNowhereWhileABackupRuns) {
  const FakeTool dump = pausing_dump();
  Program program = pgstow.program({"backup", "--verbose"});
  program.env.insert(program.env.begin(), {dump.setting(), url(kCanaryInUrl)});
  Running run(program);
  dump.await_pause(run);
  EXPECT_THAT(processes_naming("user='app'"), Not(IsEmpty()));  // pg_dump, which must not show it
  EXPECT_THAT(processes_naming("c4nary"), IsEmpty());
  dump.resume();
  const Outcome outcome = run.wait();
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  expect_no_secret(outcome.out + outcome.err);
  for (const auto& entry : fs::directory_iterator(pgstow.backups())) {
    if (entry.path().extension() == ".gz") continue;
    expect_no_secret(read_file(entry.path()));
  }
  expect_no_secret(run_with(pgstow, {url(kCanaryInUrl)}, "config").out);
  expect_no_secret(run_with(pgstow, {url(kCanaryInUrl)}, "doctor").out);
}

}  // namespace
}  // namespace pgstow::test
