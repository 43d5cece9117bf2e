// A backup whose server, pg_dump or own process dies or hangs in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "e2e/faults.h"

namespace pgstow::test {
namespace {

using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FaultBackup : public testing::Test {
 protected:
  FaultBackup() {
    server.create_database("shop");
    server.sql("shop", kShop);
  }

  // A run whose pg_dump pauses in the middle, and is there now.
  Running paused_run(const FakeTool& dump, const std::string& more = "BACKUP_JOBS=2") const {
    Program program = pgstow.program({"backup"});
    program.env.push_back(dump.setting());
    program.env.push_back(more);
    Running run(program);
    dump.await_pause(run);
    return run;
  }

  // Programs of PostgreSQL's that work on our server.
  std::vector<pid_t> children() const {
    return processes_naming("host='" + server.socket_dir().string());
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(FaultBackup, ServerStopsAtOnceWhileDumping) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Running run = paused_run(dump);
  server.stop(TestServer::Stop::kImmediate);
  dump.resume();
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("pg_dump: exit status 1"));
  EXPECT_THAT(parts(pgstow), IsEmpty());

  const Outcome down = pgstow.run({"backup"});
  EXPECT_EQ(down.exit_code, 1) << down.describe();
  EXPECT_THAT(down.err, HasSubstr("hint: is the server running"));
  server.start();
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(FaultBackup, BackendIsTerminatedWhileDumping) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Running run = paused_run(dump);
  EXPECT_EQ(server.value("shop",
                         "select count(pg_terminate_backend(pid)) from pg_stat_activity where "
                         "query like 'COPY%' and pid <> pg_backend_pid()"),
            "1");
  dump.resume();
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("account"));  // the table is named
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_EQ(unharmed.after_next_run(), "");
}

// Our own session holds the snapshot. Without it the dump is still of one moment, but then
// everything after must not depend on that session either.
TEST_F(FaultBackup, OurSessionIsTerminatedWhileDumping) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Running run = paused_run(dump);
  EXPECT_EQ(server.kill_backends("pgstow"), 1);
  dump.resume();
  const Outcome outcome = run.wait();
  EXPECT_THAT(outcome.exit_code, AnyOf(0, 1)) << outcome.describe();
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(FaultBackup, DumpIsKilled) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump("pg_dump", R"("$REAL" "$@" | { head -c 200000; kill -KILL $$; })");
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("pg_dump: ended by signal 9 (Killed)"));
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_EQ(unharmed.after_next_run(), "");
}

// What a broken pipe, a full disk behind a wrapper, or a bug could do: a good exit, half a dump.
TEST_F(FaultBackup, DumpEndsWellButIsCutAnywhere) {
  const Unharmed unharmed(server, "shop", pgstow);
  const std::size_t whole =
      run_ok({.argv = {postgres_programs() / "pg_dump", "-Fc", "-Z0", "-d", server.url("shop")}})
          .size();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{3000}, whole / 2, whole - 1}) {
    SCOPED_TRACE(size);
    const FakeTool dump("pg_dump",
                        "\"$REAL\" \"$@\" | head -c " + std::to_string(size) + "; exit 0");
    Program program = pgstow.program({"backup"});
    program.env.push_back(dump.setting());
    const Outcome outcome = run(program);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("pg_dump's answer is no whole archive"));
    EXPECT_THAT(pgstow.archives(), SizeIs(1));
    EXPECT_THAT(parts(pgstow), IsEmpty());
  }
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(FaultBackup, DumpFailsAfterItsLastByte) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump("pg_dump", R"("$REAL" "$@"; echo "pg_dump: error: late" >&2; exit 1)");
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("pg_dump: error: late"));
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(FaultBackup, DumpThatStallsIsEnded) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Running run = paused_run(dump, "BACKUP_STALL_TIMEOUT=2s");
  const Outcome outcome = run.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, ContainsRegex("pg_dump.*2 ?s"));
  await("the end of what pg_dump had started", [&] { return children().empty(); });
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(FaultBackup, StoppedDumpIsEnded) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump("pg_dump", R"("$REAL" "$@" | { head -c 200000; kill -STOP 0; cat; })");
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  program.env.emplace_back("BACKUP_STALL_TIMEOUT=2s");
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  await("the end of what pg_dump had started", [&] { return children().empty(); });
  EXPECT_EQ(unharmed.after_next_run(), "");
}

class Signalled : public FaultBackup, public testing::WithParamInterface<int> {};

TEST_P(Signalled, WhileDumpingEndsAllInGoodOrder) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Running run = paused_run(dump);
  EXPECT_THAT(children(), testing::Not(IsEmpty()));
  const auto asked = std::chrono::steady_clock::now();
  run.signal(GetParam());
  const Outcome outcome = run.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(10));
  EXPECT_EQ(outcome.exit_code, 128 + GetParam()) << outcome.describe();
  await("the end of what pg_dump had started", [&] { return children().empty(); });
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_EQ(unharmed.after_next_run(), "");
}

INSTANTIATE_TEST_SUITE_P(Stop, Signalled, testing::Values(SIGTERM, SIGINT, SIGHUP));

TEST_F(FaultBackup, KilledWhileDumpingLeavesPartsThatTheNextRunClears) {
  const Unharmed unharmed(server, "shop", pgstow);
  const FakeTool dump = pausing_dump();
  Running run = paused_run(dump);
  run.signal(SIGKILL);
  EXPECT_EQ(run.wait().signal, SIGKILL);
  dump.resume();  // it writes into a broken pipe now
  EXPECT_THAT(parts(pgstow),
              SizeIs(2));  // of the archive, and of the manifest that claims its name
  EXPECT_EQ(unharmed.after_next_run(), "");
  await("the orphans' end", [&] { return children().empty(); });
}

// At any moment, from before the connection to after the last rename.
TEST_F(FaultBackup, SignalsAtRandomMoments) {
  const Unharmed unharmed(server, "shop", pgstow);
  const auto began = std::chrono::steady_clock::now();
  run_ok(pgstow.program({"backup"}));
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 engine(seed);
  std::uniform_int_distribution<std::int64_t> moment(0, whole.count());
  for (int i = 0; i < 16; ++i) {
    const int signal = i % 2 == 0 ? SIGKILL : SIGTERM;
    Running run(pgstow.program({"backup"}));
    std::this_thread::sleep_for(std::chrono::microseconds(moment(engine)));
    if (!run.ended()) run.signal(signal);
    const Outcome outcome = run.wait();
    EXPECT_TRUE(outcome.ok() || outcome.signal == signal || outcome.exit_code == 128 + signal)
        << outcome.describe();
  }
  EXPECT_EQ(unharmed.after_next_run(), "");
  await("the orphans' end", [&] { return children().empty(); });
}

}  // namespace
}  // namespace pgstow::test
