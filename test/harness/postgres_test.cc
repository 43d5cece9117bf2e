#include "harness/postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/error.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;

TEST(TestServer, StartsStopsAndStartsAgain) {
  TestServer server;
  server.create_database("odd \"name'%");
  server.sql("odd \"name'%", "CREATE TABLE t AS SELECT 7 AS seven");
  server.stop();
  EXPECT_THROW(server.sql("postgres", "SELECT 1"), Error);
  server.start();
  server.stop(TestServer::Stop::kImmediate);
  server.start();
  EXPECT_EQ(server.value("odd \"name'%", "SELECT seven FROM t"), "7");
  EXPECT_EQ(server.value("postgres", "SHOW timezone"), "UTC");
}

TEST(TestServer, ReportsTheServersErrors) {
  const TestServer server;
  try {
    server.sql("postgres", "SELECT 1/0");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("division by zero"));
  }
}

TEST(TestServer, ShowsItsLogWhenItCannotStart) {
  try {
    const TestServer server({.settings = {"no_such_setting = 1"}});
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no_such_setting"));
  }
}

TEST(TestServer, AsksForAPasswordThroughBothDoors) {
  const TestServer server({.tcp = true,
                           .auth = "scram-sha-256",
                           .settings = {"work_mem = '7MB'"},
                           .timezone = "Asia/Tokyo"});
  EXPECT_EQ(server.value("postgres", "SHOW work_mem"), "7MB");
  EXPECT_EQ(server.value("postgres", "SHOW timezone"), "Asia/Tokyo");
  const std::string psql = postgres_programs() / "psql";
  const Outcome with = run({.argv = {psql, "-XAtw", "-c", "SELECT 1", server.tcp_url()}});
  EXPECT_EQ(with.out, "1\n") << with.describe();
  const Outcome without = run({.argv = {psql, "-XAtw", "-c", "SELECT 1", "-h", server.socket_dir(),
                                        "-p", std::to_string(server.port()), "-U", "postgres"}});
  EXPECT_EQ(without.exit_code, 2) << without.describe();
  EXPECT_THAT(without.err, HasSubstr("no password supplied"));
  const Outcome variables =
      run({.argv = {psql, "-XAtw", "-c", "SELECT 2"}, .env = server.environment()});
  EXPECT_EQ(variables.out, "2\n") << variables.describe();
}

TEST(TestServer, KillsBackendsByApplicationName) {
  const TestServer server;
  std::vector<std::string> env = server.environment();
  env.emplace_back("PGAPPNAME=victim 1");
  Running sleeper(
      {.argv = {postgres_programs() / "psql", "-XAt", "-c", "SELECT pg_sleep(100)"}, .env = env});
  while (server.value("postgres",
                      "SELECT count(*) FROM pg_stat_activity"
                      " WHERE query LIKE '%pg_sleep(1__)'") != "1") {
    ASSERT_FALSE(sleeper.ended()) << sleeper.err();
  }
  EXPECT_EQ(server.kill_backends("nobody%"), 0);
  EXPECT_EQ(server.kill_backends("victim%"), 1);
  EXPECT_THAT(sleeper.wait().err, HasSubstr("terminating connection"));
}

TEST(TestServer, HasStandbys) {
  const TestServer primary({.auth = "scram-sha-256"});
  const TestServer standby = TestServer::standby_of(primary);
  primary.sql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
  standby.catch_up(primary);
  EXPECT_EQ(standby.value("postgres", "SELECT count(*) FROM t"), "1000");
  EXPECT_EQ(standby.value("postgres", "SELECT pg_is_in_recovery()"), "t");
}

TEST(TestServer, LeavesNothingBehind) {
  std::filesystem::path folder;
  pid_t pid = -1;
  {
    const TestServer server;
    folder = server.socket_dir();
    pid = server.pid();
    EXPECT_TRUE(std::filesystem::exists(folder));
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(TestServer, GoesWhenItsTestIsKilled) {
  Pipe pipe = make_pipe();
  const pid_t victim = ::fork();
  if (victim == 0) {
    const TestServer server;
    write_all(pipe.write, server.socket_dir().string() + "\n", Wait{}, "pipe");
    ::pause();
  }
  pipe.write.reset();
  std::string folder(200, '\0');
  folder.resize(read_some(pipe.read, folder, Wait{}, "pipe"));
  ASSERT_FALSE(folder.empty());
  folder.pop_back();
  const std::string pid_text = read_file(folder + "/data/postmaster.pid");
  const auto server = static_cast<pid_t>(std::stol(pid_text));
  ASSERT_EQ(::kill(server, 0), 0);
  ::kill(victim, SIGKILL);
  ::waitpid(victim, nullptr, 0);
  // The case's time limit is ctest's: a server that lives on makes it fail there.
  while (::kill(server, 0) == 0 || std::filesystem::exists(folder)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace
}  // namespace pgstow::test
