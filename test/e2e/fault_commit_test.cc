// The answer to the COMMIT of a swap is lost: what became of it is found out, or nobody says that
// nothing has changed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>

#include "e2e/faults.h"
#include "harness/dump_text.h"
#include "harness/tcp_proxy.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// Commits that wait for the standby "nobody" are in the server's log, and seen by no session.
class FaultCommit : public testing::Test {
 protected:
  FaultCommit() {
    server.create_database("shop");
    server.sql("shop",
               "create table a(i int primary key, t text);"
               "insert into a select i, 'row ' || i from generate_series(1, 50) i");
    run_ok(pgstow.program({"backup"}));
    stored = dump_text(server, "shop");
    server.sql("shop", "update a set t = 'present'");
  }

  // A restore whose COMMIT hangs. Its swap is held by a lock of ours until all commits hang.
  Running hung(const std::vector<std::string>& arguments, const std::string& database,
               const std::string& lock, const std::string& waiter) const {
    const Running holder(
        Program{.argv = {postgres_programs() / "psql", "-X", "-d", server.url(database), "-c",
                         "begin; " + lock + "; set application_name = 'holder'", "-c",
                         "select pg_sleep(600)"}});
    await("the lock", [&] { return sessions("application_name = 'holder'") == "1"; });
    Running restore(pgstow.program(arguments));
    await("the swap", [&] {
      return sessions("wait_event_type = 'Lock' and query like '" + waiter + "'") == "1";
    });
    set("synchronous_commit", "on");
    server.kill_backends("holder");
    await("its COMMIT", [&] { return sessions("wait_event = 'SyncRep'") == "1"; });
    return restore;
  }
  Running hung_restore() const {
    return hung({"restore", "--yes"}, "postgres", "comment on database shop is 'x'",
                "alter database%");
  }

  void go_through(const TcpProxy& proxy) {
    pgstow.with(fmt::format("DATABASE_URL=postgresql://postgres@127.0.0.1:{}/shop", proxy.port()));
  }

  std::string sessions(const std::string& condition) const {
    return server.value("postgres", "select count(*) from pg_stat_activity where " + condition);
  }
  void set(const std::string& name, const std::string& value) const {
    server.sql("postgres", fmt::format("alter system set {} = '{}'", name, value));
    server.sql("postgres", "select pg_reload_conf()");
    await(name, [&] { return server.value("postgres", "show " + name) == value; });
  }
  // Until it has asked, and was not told.
  static void await_questions(const Running& restore) {
    await("its questions", [&] {
      return restore.err().find("the server did not answer COMMIT") != std::string::npos;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  }
  std::string kept() const {
    return server.value("postgres",
                        "select count(*) from pg_database where datname ~ '^shop__before_'");
  }

  TestServer server{
      {.tcp = true,
       .settings = {"synchronous_standby_names = 'nobody'", "synchronous_commit = local"}}};
  Pgstow pgstow{server, "shop"};
  std::string stored;
};

TEST_F(FaultCommit, AServerThatCrashesAndComesBackTells) {
  Running restore = hung_restore();
  server.stop(TestServer::Stop::kImmediate);
  await_questions(restore);
  server.start();
  const Outcome outcome = restore.wait();
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
  EXPECT_EQ(kept(), "1");
}

TEST_F(FaultCommit, AServerThatStaysAwayLeavesItUnknown) {
  Running restore = hung_restore();
  server.stop(TestServer::Stop::kImmediate);
  await_questions(restore);
  restore.signal(SIGTERM);
  const Outcome outcome = restore.wait();
  EXPECT_EQ(outcome.exit_code, 128 + SIGTERM) << outcome.describe();
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("did not say whether it committed"),
                                 ContainsRegex("whether there is a database shop__before_[0-9_]+"),
                                 HasSubstr("Restore nothing until you know")));
  EXPECT_THAT(outcome.err, Not(HasSubstr("as it was")));
  server.start();
  EXPECT_EQ(kept(), "1");
}

// Its session is at work still: that the database has its old name means nothing yet.
TEST_F(FaultCommit, ASessionThatHasNotEndedIsWaitedFor) {
  TcpProxy proxy(server.port());
  go_through(proxy);
  Running restore = hung_restore();
  proxy.reset_all();
  await_questions(restore);
  set("synchronous_standby_names", "");
  const Outcome outcome = restore.wait();
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(first_difference(stored, dump_text(server, "shop")), "");
  EXPECT_EQ(kept(), "1");
}

TEST_F(FaultCommit, TheSameGoesForTables) {
  TcpProxy proxy(server.port());
  go_through(proxy);
  Running restore = hung({"restore", "--table", "a", "--yes"}, "shop",
                         "lock table a in access share mode", "lock table%");
  proxy.reset_all();
  await_questions(restore);
  server.stop(TestServer::Stop::kImmediate);
  server.start();
  const Outcome outcome = restore.wait();
  EXPECT_TRUE(outcome.ok()) << outcome.describe();
  EXPECT_EQ(server.value("shop", "select count(*) from a where t like 'row %'"), "50");
}

}  // namespace
}  // namespace pgstow::test
