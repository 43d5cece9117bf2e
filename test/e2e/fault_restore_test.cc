// A restore that fails, at whatever step, leaves the present database exactly as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "backup/restore.h"
#include "base/error.h"
#include "e2e/faults.h"
#include "harness/dump_text.h"
#include "store/testing_context.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// pg_restore runs twice, before the rows and after them. psql is on the database that it was told
// to fill.
constexpr const char* kSteps = R"(
case "$*" in *post-data*) step=after ;; *) step=before ;; esac
for one in "$@"; do case $one in --dbname=*) db=${one#--dbname=};; esac; done
psql() { "${REAL%/*}/psql" -qX -d "$db" -c "$1"; }
)";

FakeTool restore_tool(const std::string& script) { return {"pg_restore", kSteps + script}; }

class FaultRestore : public testing::Test {
 protected:
  FaultRestore() {
    server.create_database("shop");
    server.sql("shop", kShop);
    run_ok(pgstow.program({"backup"}));
    stored = dump_text(server, "shop");
    server.sql("shop", "update note set body = 'present'; delete from account where id > 11000");
    present = dump_text(server, "shop");
  }

  std::vector<std::string> databases() const {
    std::vector<std::string> names;
    for (const Row& row : server.sql("postgres",
                                     "select datname from pg_database where datname ~ '^shop' "
                                     "order by 1")) {
      names.push_back(row.at(0));
    }
    return names;
  }

  Program restore_with(const FakeTool& tool) const {
    Program program = pgstow.program({"restore", "--yes"});
    program.env.push_back(tool.setting());
    return program;
  }

  void expect_untouched() const {
    EXPECT_THAT(databases(), ElementsAre("shop"));
    EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
  }

  // Of a run that is over, the server may still be ending the sessions.
  void await_no_session() const {
    await("the sessions' end", [&] {
      return server.value("postgres",
                          "select count(*) from pg_stat_activity where application_name in "
                          "('pgstow', 'pg_restore')") == "0";
    });
  }

  void expect_next_works() const {
    const Outcome next = pgstow.run({"restore", "--yes"});
    EXPECT_TRUE(next.ok()) << next.describe();
    EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
    EXPECT_THAT(databases(), ElementsAre("shop", StartsWith("shop__before_")));
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
  std::string stored;
  std::string present;
};

// Pauses before the rows are loaded, or after it.
FakeTool pausing_restore(const std::string& step = "before") {
  return restore_tool("[ $step = " + step + R"( ] && pause; exec "$REAL" "$@")");
}

struct Lie {
  const char* what;
  std::string script;
  const char* found;  // what the error says
};

// Tools that fail, or that end well and did not do what they should have.
TEST_F(FaultRestore, ToolThatFailsOrLies) {
  const std::string real = R"("$REAL" "$@" || exit; [ $step = before ] || )";
  for (const Lie& lie : {
           Lie{"an error before the rows", "echo early >&2; exit 1", "early"},
           Lie{"an error at its end",
               R"("$REAL" "$@"; [ $step = before ] || { echo late >&2; exit 1; })", "late"},
           Lie{"killed", "kill -KILL $$", "signal 9"},
           Lie{"killed after the rows", R"([ $step = after ] && kill -KILL $$; exec "$REAL" "$@")",
               "signal 9"},
           Lie{"nothing", "exit 0", "account"},
           Lie{"one value", real + "psql \"update note set body = 'x' where id = 7\"",
               "public.note"},
           Lie{"one row less", real + "psql 'delete from note where id = 7'", "public.note"},
           Lie{"one row twice", real + R"(psql 'alter table note drop constraint note_pkey;
                         insert into note select * from note where id = 7')",
               "public.note"},
           Lie{"no table", real + "psql 'drop table note'", "public.note"},
           Lie{"a sequence", real + "psql \"select setval('ticket', 40)\"", "ticket"},
       }) {
    SCOPED_TRACE(lie.what);
    const FakeTool tool = restore_tool(lie.script);
    const Outcome outcome = run(restore_with(tool));
    EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("restore failed, database shop is as it was"),
                                   HasSubstr(lie.found)));
    expect_untouched();
  }
  expect_next_works();
}

TEST_F(FaultRestore, MissingRolesAreListedBeforeAnythingIsMade) {
  server.sql("shop",
             "create role app; create role \"Odd Role\";"
             "alter table note owner to app; alter table account owner to \"Odd Role\";"
             "create role settled; alter role settled in database shop set work_mem = '2MB'");
  run_ok(pgstow.program({"backup"}));
  server.sql("shop",
             "reassign owned by app, \"Odd Role\" to postgres;"
             "drop role app; drop role \"Odd Role\"; drop role settled");
  const Outcome outcome = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("CREATE ROLE \"app\";"), HasSubstr("--no-owner"),
                    HasSubstr("CREATE ROLE \"Odd Role\";"), HasSubstr("CREATE ROLE \"settled\";")));
  expect_untouched();
  const Outcome without = pgstow.run({"restore", "--yes", "--no-owner"});
  EXPECT_TRUE(without.ok()) << without.describe();
  EXPECT_THAT(without.err, HasSubstr("role=settled"));
}

TEST_F(FaultRestore, RoleThatMayNotCreateDatabases) {
  server.sql("postgres", "create role plain login");
  Program program = pgstow.program({"restore", "--yes"});
  program.env.insert(program.env.begin(), "PGUSER=plain");
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("may not create databases"), HasSubstr("hint: ")));
  expect_untouched();
}

// What makes everybody's transactions read-only by default is no reason not to restore.
TEST_F(FaultRestore, ReadOnlyByDefault) {
  Program program = pgstow.program({"restore", "--yes"});
  program.env.emplace_back("PGOPTIONS=-c default_transaction_read_only=on");
  const Outcome outcome = run(program);
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
}

TEST_F(FaultRestore, AnEmptyNameIsNotTheDefault) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"restore", "--yes", "--into", ""},
                                             {"restore", "--yes", ""},
                                             {"restore", "--from", ""}}) {
    const Outcome outcome = pgstow.run(words);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
  }
  const Outcome longer = pgstow.run({"restore", "--yes", "--into", std::string(70, 'x')});
  EXPECT_EQ(longer.exit_code, 2) << longer.describe();
  expect_untouched();
}

TEST_F(FaultRestore, AnotherDatabasesBackupIsNotTakenByItsNumber) {
  server.create_database("other");
  Program backup = pgstow.program({"backup"});
  backup.env.insert(backup.env.begin(), "PGDATABASE=other");
  run_ok(backup);
  const Outcome outcome = pgstow.run({"restore", "--yes", "1"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("a backup of database other"), HasSubstr("hint: ")));
  expect_untouched();
}

// A file that was copied there just now looks newest, but nobody knows what it is.
TEST_F(FaultRestore, LatestIsTheNewestWithAProof) {
  const std::string archive = pgstow.archives().at(0);
  server.create_database("older");
  run_ok({.argv = {postgres_programs() / "pg_dump", "-Fc", "-d", server.url("older"), "-f",
                   (pgstow.backups() / "before_migration.dump").string()}});
  const Outcome outcome = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("before_migration.dump"), HasSubstr("passed over")));
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
}

TEST_F(FaultRestore, ObstaclesAreFoundBeforeTheLongWork) {
  server.sql("shop",
             "create subscription feed connection 'host=/nowhere' publication p "
             "with (connect = false, slot_name = none)");
  EXPECT_TRUE(pgstow.run({"restore", "--yes"}).ok());  // a disabled one is no obstacle
  EXPECT_TRUE(pgstow.run({"undo", "--yes"}).ok());
  server.sql("shop", "alter subscription feed set (slot_name = 'feed')");
  server.sql("shop", "alter subscription feed enable");
  const Outcome swap = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(swap.exit_code, 1) << swap.describe();
  EXPECT_THAT(swap.err, AllOf(HasSubstr("ALTER SUBSCRIPTION \"feed\" DISABLE"), HasSubstr("hint: "),
                              Not(HasSubstr("loading"))));
  const Outcome in_place = pgstow.run({"restore", "--yes", "--in-place"});
  EXPECT_EQ(in_place.exit_code, 1) << in_place.describe();
  EXPECT_THAT(in_place.err, AllOf(HasSubstr("DROP SUBSCRIPTION"), Not(HasSubstr("dropping"))));
}

TEST_F(FaultRestore, SessionsThatTheRoleMayNotEndAreNamed) {
  server.sql("postgres", "create role owner login createdb");
  server.sql("postgres", "alter database shop owner to owner");
  const Running monitor({.argv = {postgres_programs() / "psql", "-X", "-d", server.url("shop"),
                                  "-c", "select pg_sleep(600)"}});
  await("the session", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where query like "
                        "'select pg_sleep%'") == "1";
  });
  Program program = pgstow.program({"restore", "--yes", "--no-owner", "--no-privileges"});
  program.env.insert(program.env.begin(), "PGUSER=owner");
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("(psql), which role owner may not end"), Not(HasSubstr("loading"))));
}

// In place, all that can fail before the drop does, and what fails after it says what is lost.
TEST_F(FaultRestore, InPlaceLosesNothingBeforeTheDrop) {
  Running holder(
      Program{.argv = {postgres_programs() / "psql", "-X", "-d", server.url("postgres"), "-c",
                       "begin; comment on database template0 is 'x'; select pg_sleep(600)"}});
  await("the lock", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where query like "
                        "'begin; comment%' and wait_event = 'PgSleep'") == "1";
  });
  Running vanishing(pgstow.program({"restore", "--yes", "--in-place"}));
  await("the new database to wait", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where query ilike "
                        "'create database%' and wait_event_type = 'Lock'") == "1";
  });
  const auto archive = pgstow.backups() / pgstow.archives().at(0);
  std::filesystem::rename(archive, pgstow.folder() / "away");
  server.sql("postgres",
             "select pg_terminate_backend(pid) from pg_stat_activity where query like "
             "'begin; comment%'");
  const Outcome outcome = vanishing.wait();
  EXPECT_NE(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.err, Not(HasSubstr("dropp")));
  expect_untouched();

  std::filesystem::rename(pgstow.folder() / "away", archive);
  const FakeTool tool = pausing_restore();
  Program program = pgstow.program({"restore", "--yes", "--in-place"});
  program.env.push_back(tool.setting());
  Running stopped(program);
  tool.await_pause(stopped);
  stopped.signal(SIGTERM);
  const Outcome stop = stopped.wait();
  EXPECT_EQ(stop.exit_code, 128 + SIGTERM) << stop.describe();
  EXPECT_THAT(stop.err, AllOf(HasSubstr("database shop was dropped and is not restored completely"),
                              HasSubstr("restore it again")));
  EXPECT_TRUE(pgstow.run({"restore", "--yes", "--in-place"}).ok());
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
}

// What an earlier restore kept goes only when something is kept in its place, and what can't go is
// a warning.
TEST_F(FaultRestore, TheKeptOneGoesWhenAnotherIsKept) {
  run_ok(pgstow.program({"restore", "--yes"}));
  server.sql("postgres", "drop database shop");
  run_ok(pgstow.program({"restore", "--yes"}));
  const std::vector<std::string> kept = databases();
  ASSERT_THAT(kept, ElementsAre("shop", StartsWith("shop__before_")));
  server.sql(kept[1],
             "create subscription feed connection 'host=/nowhere' publication p "
             "with (connect = false, slot_name = none)");
  const Outcome outcome = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("could not be dropped"));
  EXPECT_THAT(databases(), SizeIs(3));
}

struct NoProgress final : Progress {
  void update(const ProgressState& /*state*/) override {}
  void done() override {}
};

// The plan that was confirmed is carried out, or nothing is.
TEST_F(FaultRestore, APlanOfAnotherStateIsRefused) {
  TestContext context;
  NoProgress progress;
  RestoreJob job;
  job.place.server = {{"host", server.socket_dir()},
                      {"port", std::to_string(server.port())},
                      {"user", "postgres"},
                      {"dbname", "shop"}};
  RestorePlan plan = plan_restore(job, context.context());
  plan.exists = false;
  try {
    run_restore(job, plan, {}, context.context(), progress);
    FAIL() << "restored";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("database shop has appeared"));
  }
  expect_untouched();
}

TEST_F(FaultRestore, TwoAtOnce) {
  const FakeTool tool = pausing_restore();
  Running first(restore_with(tool));
  tool.await_pause(first);
  const Outcome second = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(second.exit_code, 11) << second.describe();
  EXPECT_THAT(second.err, HasSubstr("hint: "));
  tool.resume();
  const Outcome outcome = first.wait();
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
}

TEST_F(FaultRestore, AskedToStop) {
  for (const char* step : {"before", "after"}) {
    for (const int signal : {SIGTERM, SIGINT}) {
      const FakeTool tool = pausing_restore(step);
      Running run(restore_with(tool));
      tool.await_pause(run);
      EXPECT_THAT(databases(), SizeIs(2));
      run.signal(signal);
      const Outcome outcome = run.wait();
      EXPECT_EQ(outcome.exit_code, 128 + signal) << outcome.describe();
      EXPECT_THAT(processes_naming("host='" + server.socket_dir().string()), IsEmpty());
      expect_untouched();
    }
  }
  expect_next_works();
}

TEST_F(FaultRestore, Killed) {
  for (const char* step : {"before", "after"}) {
    const FakeTool tool = pausing_restore(step);
    Running run(restore_with(tool));
    tool.await_pause(run);
    run.signal(SIGKILL);
    EXPECT_EQ(run.wait().signal, SIGKILL);
    tool.resume();
    EXPECT_THAT(databases(), ElementsAre("shop", StartsWith("shop__restoring_")));
    EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
    await_no_session();
    EXPECT_TRUE(pgstow.run({"restore", "--yes"}).ok());  // and drops what was half-made
    EXPECT_TRUE(pgstow.run({"undo", "--yes"}).ok());
    EXPECT_TRUE(pgstow.run({"undo", "--drop", "--yes"}).ok());
  }
  expect_next_works();
}

TEST_F(FaultRestore, ServerStopsAtOnce) {
  for (const char* step : {"before", "after"}) {
    const FakeTool tool = pausing_restore(step);
    Running run(restore_with(tool));
    tool.await_pause(run);
    server.stop(TestServer::Stop::kImmediate);
    tool.resume();
    const Outcome outcome = run.wait();
    EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("shop"));
    server.start();
    EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
  }
  expect_next_works();
}

// In the midst of the rows: a loader waits in a trigger for what the test does next.
class WhileLoading : public FaultRestore {
 protected:
  FakeTool tool = restore_tool(
      R"sh("$REAL" "$@" || exit; [ $step = after ] || psql "
        create function public.wait() returns trigger language plpgsql as \$\$
          begin perform pg_catalog.pg_sleep(600); return new; end \$\$;
        create trigger wait before insert on public.account for each row when (new.id = 9000)
          execute function public.wait()")sh");

  Running restore_that_waits(const std::vector<std::string>& options = {}) {
    Program program = restore_with(tool);
    program.argv.insert(program.argv.end(), options.begin(), options.end());
    Running run(program);
    await("a loader to wait", [&] {
      if (run.ended()) throw Error("pgstow ended before: " + run.err());
      return server.value("postgres",
                          "select count(*) from pg_stat_activity where datname ~ '^shop' and "
                          "wait_event = 'PgSleep'") == "1";
    });
    return run;
  }
};

TEST_F(WhileLoading, AskedToStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Running run = restore_that_waits();
    run.signal(signal);
    const Outcome outcome = run.wait();
    EXPECT_EQ(outcome.exit_code, 128 + signal) << outcome.describe();
    await_no_session();
    expect_untouched();
  }
  expect_next_works();
}

TEST_F(WhileLoading, Killed) {
  Running run = restore_that_waits();
  run.signal(SIGKILL);
  EXPECT_EQ(run.wait().signal, SIGKILL);
  EXPECT_THAT(databases(), ElementsAre("shop", StartsWith("shop__restoring_")));
  expect_next_works();  // and ends the loader that waits
}

TEST_F(WhileLoading, ALoadersBackendIsEnded) {
  Running run = restore_that_waits();
  server.sql("postgres",
             "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("database shop is as it was"),
                                 HasSubstr("loading public.account: "), HasSubstr("hint: ")));
  expect_untouched();
  expect_next_works();
}

TEST_F(WhileLoading, AServerThatTakesNothingIsGivenUp) {
  Running run = restore_that_waits({"--stall-timeout", "1s"});
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("loading public.account: the server has taken nothing"),
                                 HasSubstr("BACKUP_STALL_TIMEOUT")));
  expect_untouched();
}

// What a row is refused for is told with the table and the value.
TEST_F(FaultRestore, ARowThatIsRefused) {
  const FakeTool tool = restore_tool(
      R"("$REAL" "$@" || exit; [ $step = after ] ||
         psql 'alter table note add check (id <> 250)')");
  const Outcome outcome = run(restore_with(tool));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("loading public.note: "), HasSubstr("250"),
                                 HasSubstr("note_id_check"), HasSubstr("--jobs 1")));
  expect_untouched();

  // In place, all else is there.
  Program in_place = restore_with(tool);
  in_place.argv.emplace_back("--in-place");
  const Outcome partly = run(in_place);
  EXPECT_EQ(partly.exit_code, 1) << partly.describe();
  EXPECT_THAT(partly.err, AllOf(HasSubstr("not restored completely"), HasSubstr("note_id_check")));
  EXPECT_EQ(server.value("shop", "select count(*) from account"), "12000");
  EXPECT_EQ(server.value("shop",
                         "select count(*) from pg_index where indrelid = "
                         "'account'::regclass"),
            "1");
}

TEST_F(FaultRestore, FewConnectionsAreEnough) {
  server.sql("postgres", "alter system set max_connections = 8");
  server.stop();
  server.start();
  Program program = pgstow.program({"restore", "--yes", "--jobs", "16"});
  std::vector<std::unique_ptr<Running>> others;
  for (int i = 0; i < 2; ++i) {
    others.push_back(std::make_unique<Running>(
        Program{.argv = {postgres_programs() / "psql", "-X", "-d", server.url("postgres"), "-c",
                         "select pg_sleep(600)"}}));
  }
  await("the sessions", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") ==
           "2";
  });
  const Outcome outcome = run(program);
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("fewer sessions than jobs"));
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
}

}  // namespace
}  // namespace pgstow::test
