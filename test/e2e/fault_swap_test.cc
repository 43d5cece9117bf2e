// The swap: whatever dies in it, the name leads to the database from before or to the proven one;
// and clients that never stop knocking.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "e2e/faults.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

using Clock = std::chrono::steady_clock;

class FaultSwap : public testing::Test {
 protected:
  FaultSwap() {
    server.create_database("shop");
    server.sql("shop",
               "create table a(i int primary key, t text);"
               "insert into a select i, 'row ' || i from generate_series(1, 50) i");
    run_ok(pgstow.with("BACKUP_JOBS=1").program({"backup"}));
    stored = dump_text(server, "shop");
    make_present();
    present = dump_text(server, "shop");
  }

  void make_present() const { server.sql("shop", "update a set t = 'present'"); }

  // A restore under strace with `fault` injected into what it sends to the server.
  Outcome traced(const std::string& fault) const {
    Program program = pgstow.program({"restore", "--yes"});
    std::vector<std::string> argv{"strace", "-f",    "-qq", "-b",          "execve",
                                  "-o",     trace(), "-e",  "trace=sendto"};
    if (!fault.empty()) argv.insert(argv.end(), {"-e", "inject=sendto:" + fault});
    argv.insert(argv.end(), program.argv.begin(), program.argv.end());
    program.argv = std::move(argv);
    return run(program);
  }
  std::string trace() const { return pgstow.folder() / "trace"; }

  // What a restore sends in one go; the children's own calls before their exec are none.
  std::vector<std::string> messages() const {
    const Outcome whole = traced("");
    if (!whole.ok()) throw Error(whole.describe());
    const std::string text = read_file(trace());
    std::vector<std::string> lines;
    for (const std::string_view line : split(text, '\n')) {
      if (line.find("sendto(") != std::string_view::npos) lines.emplace_back(line);
    }
    return lines;
  }

  // After a kill the server takes a moment to notice; only then the restore's lock is free.
  void await_sessions_end() const {
    await("the sessions' end", [&] {
      return server.value("postgres",
                          "select count(*) from pg_stat_activity where application_name in "
                          "('pgstow', 'pg_restore')") == "0";
    });
  }

  // What is wrong after one more restore; empty if nothing.
  std::string next_run() const {
    const Outcome next = pgstow.run({"restore", "--yes"});
    if (!next.ok()) return "next run failed: " + next.describe();
    return first_difference(stored, dump_text(server, "shop"));
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
  std::string stored;
  std::string present;
};

// Every message of the swap, and every eighth before it.
TEST_F(FaultSwap, KilledBeforeMessages) {
  const std::vector<std::string> all = messages();
  const auto after_swap = std::find_if(all.rbegin(), all.rend(), [](const std::string& line) {
    return line.find("begin") != std::string::npos;
  });
  ASSERT_NE(after_swap, all.rend());
  const auto first_of_swap = static_cast<std::size_t>(after_swap.base() - all.begin()) - 1;
  Tally tally({"neither before nor after", "next run failed"});
  int replaced = 0;
  // Until a run has no n-th message: how many there are depends on how long the sessions' end
  // takes.
  for (std::size_t n = 1;; n += n > first_of_swap ? 1 : 8) {
    SCOPED_TRACE(fmt::format("killed before message {}, perhaps {}", n,
                             n <= all.size() ? all[n - 1] : "one more"));
    server.sql("shop", "update a set t = 'present'");
    const Outcome outcome = traced(fmt::format("signal=KILL:when={}", n));
    if (outcome.ok() && n > first_of_swap) break;
    EXPECT_EQ(outcome.signal, SIGKILL) << outcome.describe();
    await_sessions_end();
    const std::string now = dump_text(server, "shop");
    std::string wrong;
    if (now != present && now != stored) {
      wrong = "neither before nor after: " + first_difference(present, now) + "\n";
    }
    replaced += now == stored ? 1 : 0;
    if (n % 3 == 0) wrong += next_run();
    EXPECT_EQ(tally.add(wrong), "");
  }
  const Outcome next = pgstow.run({"restore", "--yes"});
  EXPECT_TRUE(next.ok()) << next.describe();
  EXPECT_EQ(server.value("postgres", "select count(*) from pg_database where datname ~ '^shop'"),
            "2");
  EXPECT_GE(tally.faults(), 10);
  EXPECT_GT(replaced, 0);  // kills after the commit were among them
}

// Its commits do not wait for the disk, but the last one. Here nothing but that writes them out.
TEST_F(FaultSwap, WhatIsRestoredOutlivesACrashOfTheServer) {
  server.sql("postgres", "alter system set wal_writer_delay = '10s'");
  server.sql("postgres", "select pg_reload_conf()");
  for (const std::vector<std::string>& how : {std::vector<std::string>{"restore", "--yes"},
                                              {"restore", "--yes", "--in-place"},
                                              {"restore", "--yes", "--into", "other"},
                                              {"restore", "--yes", "--table", "a"}}) {
    SCOPED_TRACE(how.back());
    make_present();
    const Outcome outcome = pgstow.run(how);
    ASSERT_TRUE(outcome.ok()) << outcome.describe();
    server.stop(TestServer::Stop::kImmediate);
    server.start();
    const std::string database = how.back() == "other" ? "other" : "shop";
    EXPECT_EQ(server.value(database, "select count(*) || ' ' || min(t) from a"), "50 row 1");
    EXPECT_EQ(
        server.value(database, "select count(*) from pg_index where indrelid = 'a'::regclass"),
        "1");
  }
}

using Session = std::unique_ptr<PGconn, void (*)(PGconn*)>;

// What a client sees that connects again and again.
struct Seen {
  int good = 0;
  std::vector<std::string> refusals;
  Clock::duration longest_outage{0};
};

Seen knock(const std::string& url, const std::stop_token& stop) {
  Seen seen;
  Clock::time_point last_good = Clock::now();
  while (!stop.stop_requested()) {
    const Session session(PQconnectdb(url.c_str()), PQfinish);
    if (PQstatus(session.get()) != CONNECTION_OK) {
      seen.refusals.emplace_back(PQerrorMessage(session.get()));
      continue;
    }
    const Clock::time_point now = Clock::now();
    if (seen.good++ > 0) seen.longest_outage = std::max(seen.longest_outage, now - last_good);
    last_good = now;
  }
  return seen;
}

TEST_F(FaultSwap, ClientsThatKnockAllTheTime) {
  Seen seen;
  {
    std::jthread client(
        [&](const std::stop_token& stop) { seen = knock(server.url("shop"), stop); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const Outcome outcome = pgstow.run({"restore", "--yes"});
    EXPECT_TRUE(outcome.ok()) << outcome.describe();
    const Outcome undo = pgstow.run({"undo", "--yes"});
    EXPECT_TRUE(undo.ok()) << undo.describe();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_GT(seen.good, 2);
  // Who knocks in the very moment of the renaming is told so; nobody finds no such name at all.
  for (const std::string& refusal : seen.refusals) {
    EXPECT_THAT(refusal, AnyOf(HasSubstr("just been dropped or renamed"),
                               HasSubstr("terminating connection"),
                               HasSubstr("server closed the connection")));
  }
  EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
  fmt::print("two swaps: {} connections, {} refused, longest outage {} ms\n", seen.good,
             seen.refusals.size(),
             std::chrono::duration_cast<std::chrono::milliseconds>(seen.longest_outage).count());
}

// A transaction elsewhere that holds the lock of the database: it is named, and nobody waits for
// ever.
TEST_F(FaultSwap, ALockedDatabaseIsNotWaitedForForEver) {
  run_ok(pgstow.program({"restore", "--yes"}));
  const Running holder(
      Program{.argv = {postgres_programs() / "psql", "-X", "-d", server.url("postgres"), "-c",
                       "begin; comment on database shop is 'x'; select pg_sleep(600)"}});
  await("the lock", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where query like "
                        "'begin; comment%' and wait_event = 'PgSleep'") == "1";
  });
  Running undo(pgstow.program({"undo", "--yes"}));
  await("the renaming to wait", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where query like "
                        "'alter database%' and wait_event_type = 'Lock'") == "1";
  });
  undo.signal(SIGTERM);
  EXPECT_EQ(undo.wait().exit_code, 128 + SIGTERM);
  EXPECT_EQ(server.value("shop", "select 1"), "1");  // nobody is kept at the door

  const Outcome outcome = pgstow.run({"undo", "--yes"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("database shop is locked by session"), HasSubstr("psql")));
  EXPECT_EQ(server.value("shop", "select 1"), "1");
}

// A server whose checkpoints come to a halt: DROP DATABASE has passed its point of no return then,
// and waits.
class StoppedCheckpointer {
 public:
  explicit StoppedCheckpointer(const TestServer& server)
      : pid_(static_cast<pid_t>(
            *parse_int(server.value("postgres",
                                    "select pid from pg_stat_activity where backend_type = "
                                    "'checkpointer'")))) {
    ::kill(pid_, SIGSTOP);
  }
  StoppedCheckpointer(const StoppedCheckpointer&) = delete;
  StoppedCheckpointer& operator=(const StoppedCheckpointer&) = delete;
  ~StoppedCheckpointer() { ::kill(pid_, SIGCONT); }

 private:
  pid_t pid_;
};

TEST_F(FaultSwap, AStopDoesNotLeaveAHalfDroppedDatabase) {
  run_ok(pgstow.program({"restore", "--yes"}));
  auto halt = std::make_unique<StoppedCheckpointer>(server);
  Running drop(pgstow.program({"undo", "--drop", "--yes"}));
  await("the drop to wait", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where query ilike "
                        "'drop database%' and wait_event like 'Checkpoint%'") == "1";
  });
  drop.signal(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  halt.reset();
  static_cast<void>(drop.wait());
  EXPECT_EQ(server.value("postgres", "select count(*) from pg_database where datname ~ '^shop_'"),
            "0");
}

// As an interrupted DROP DATABASE of somebody else leaves it: nobody can connect to it.
TEST_F(FaultSwap, AHalfDroppedDatabaseIsNotPutBack) {
  run_ok(pgstow.program({"restore", "--yes"}));
  server.sql("postgres",
             "update pg_database set datconnlimit = -2 where datname ~ '^shop__before'");
  const Outcome undo = pgstow.run({"undo", "--yes"});
  EXPECT_EQ(undo.exit_code, 10) << undo.describe();
  EXPECT_THAT(undo.err, AllOf(HasSubstr("interrupted"), HasSubstr("undo --drop")));
  EXPECT_EQ(server.value("shop", "select 1"), "1");
  const Outcome drop = pgstow.run({"undo", "--yes", "--drop"});
  EXPECT_TRUE(drop.ok()) << drop.describe();
  server.sql("postgres", "create database shop__restoring_20260101_000000 connection limit 5");
  server.sql("postgres", "update pg_database set datconnlimit = -2 where datname ~ '^shop__rest'");
  const Outcome next = pgstow.run({"restore", "--yes"});
  EXPECT_TRUE(next.ok()) << next.describe();
}

// Sessions that hold on to the old database are ended, however many and whatever they do.
TEST_F(FaultSwap, BusySessionsAreEnded) {
  std::vector<std::unique_ptr<Running>> busy;
  for (const char* work : {"begin; lock table a; select pg_sleep(600)", "select pg_sleep(600)",
                           "begin; update a set t = 'lost'; select pg_sleep(600)"}) {
    busy.push_back(std::make_unique<Running>(Program{
        .argv = {postgres_programs() / "psql", "-X", "-d", server.url("shop"), "-c", work}}));
  }
  await("busy sessions", [&] {
    return server.value("postgres",
                        "select count(*) from pg_stat_activity where application_name = 'psql' "
                        "and query like '%sleep%'") == "3";
  });
  const Outcome outcome = pgstow.run({"restore", "--yes"});
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
  for (const auto& one : busy) EXPECT_NE(one->wait().exit_code, 0);
}

}  // namespace
}  // namespace pgstow::test
