#include "base/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <thread>

#include "base/error.h"

namespace pgstow {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Command sh(const std::string& script, bool in = false, bool out = false) {
  return {
      .argv = {"sh", "-c", script}, .env = child_environment({}), .pipe_in = in, .pipe_out = out};
}

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string end_of(const Command& command) {
  return error_of([&] { Child::start(command).wait({}); });
}

std::string read_line(Child& child) {
  std::string line;
  std::array<char, 1> one;
  while (child.read(one, {.stall = 20s}) == 1 && one[0] != '\n') line += one[0];
  return line;
}

bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

class ChildTest : public ::testing::Test {
 protected:
  ChildTest() { ::signal(SIGPIPE, SIG_IGN); }
  ~ChildTest() override { ::signal(SIGCHLD, SIG_DFL); }
};

TEST_F(ChildTest, GoodEndsReturnWhatWasSaid) {
  EXPECT_EQ(Child::start(sh("echo one note >&2")).wait({}), "one note");
  Child quiet = Child::start(sh("exit 0"));
  EXPECT_EQ(quiet.wait({}), "");
  EXPECT_EQ(quiet.wait({}), "");
}

TEST_F(ChildTest, BadEndsSayHowAndTheChildsOwnWords) {
  EXPECT_EQ(end_of({.argv = {"false"}, .env = child_environment({})}), "false: exit status 1");
  EXPECT_EQ(end_of(sh("echo 'no such table' >&2; exit 7")), "sh: exit status 7: no such table");
  EXPECT_THAT(end_of(sh("kill -9 $$")), StartsWith("sh: ended by signal 9 (Killed)"));
  Child failed = Child::start(sh("exit 3"));
  EXPECT_THROW(failed.wait({}), ProcessFailed);
  EXPECT_THROW(failed.wait({}), ProcessFailed);
}

TEST_F(ChildTest, OnlyTheEndOfLongMessagesIsKept) {
  const std::string said =
      Child::start(sh("i=0; while [ $i -lt 3000 ]; do echo line $i of many many words; i=$((i+1)); "
                      "done >&2; echo the end >&2"))
          .wait({});
  EXPECT_LE(said.size(), 64U * 1024);
  EXPECT_GT(said.size(), 60U * 1024);
  EXPECT_THAT(said, EndsWith("line 2999 of many many words\nthe end"));
}

TEST_F(ChildTest, ProgramsThatDoNotExistAreNamed) {
  EXPECT_EQ(end_of({.argv = {"no-such-program"}, .env = {}}),
            "starting no-such-program: No such file or directory");
}

TEST_F(ChildTest, MuchDataGoesBothWaysAtOnce) {
  const std::string sent(8 << 20, 'x');
  Child cat = Child::start({.argv = {"cat"}, .env = {}, .pipe_in = true, .pipe_out = true});
  std::size_t got = 0;
  std::jthread reader([&] {
    std::array<char, 65536> buffer;
    while (const std::size_t n = cat.read(buffer, {.stall = 60s})) got += n;
  });
  cat.write(sent, {.stall = 60s});
  cat.close_input();
  reader.join();
  EXPECT_EQ(got, sent.size());
  cat.wait({});
}

TEST_F(ChildTest, AStopEndsAReadAndAWait) {
  std::stop_source stop;
  Child child = Child::start(sh("exec sleep 1000", false, true));
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  std::array<char, 1> buffer;
  EXPECT_THROW(child.read(buffer, {.stop = stop.get_token()}), Cancelled);
  EXPECT_THROW(child.wait(stop.get_token()), Cancelled);
}

TEST_F(ChildTest, ADroppedChildIsEnded) {
  pid_t pid = 0;
  {
    const Child child = Child::start(sh("exec sleep 1000"));
    pid = child.pid();
    EXPECT_FALSE(is_gone(pid));
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST_F(ChildTest, ADroppedChildIsEndedEvenIfItIsStopped) {
  pid_t pid = 0;
  {
    const Child child = Child::start(sh("exec sleep 1000"));
    pid = child.pid();
    ::kill(pid, SIGSTOP);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOWAIT);
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST_F(ChildTest, ADroppedChildIsEndedEvenIfItDoesNotListen) {
  pid_t pid = 0;
  {
    Child child =
        Child::start(sh("trap '' TERM; echo ready; while :; do sleep 1; done", false, true));
    pid = child.pid();
    EXPECT_EQ(read_line(child), "ready");
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST_F(ChildTest, ProcessesLeftBehindAreNotWaitedFor) {
  Child child = Child::start(sh("echo note >&2; sleep 1000 & exit 0"));
  const pid_t group = child.pid();
  EXPECT_EQ(child.wait({}), "note");
  EXPECT_EQ(::kill(-group, SIGKILL), 0);  // it was there all the time
}

TEST_F(ChildTest, WritingToAChildThatFailedGivesItsOwnWords) {
  Child child = Child::start(sh("echo 'disk on fire' >&2; exit 2", true));
  const std::string much(1 << 22, 'x');
  EXPECT_EQ(error_of([&] { child.write(much, {.stall = 60s}); }),
            "sh: exit status 2: disk on fire");
}

TEST_F(ChildTest, WritingToAChildThatHadEnoughIsAnError) {
  Child child = Child::start(sh("exit 0", true));
  const std::string much(1 << 22, 'x');
  EXPECT_EQ(error_of([&] { child.write(much, {.stall = 60s}); }), "sh: it closed its input early");
  EXPECT_EQ(child.wait({}), "");
}

TEST_F(ChildTest, ALostExitStatusIsNoSuccess) {
  ::signal(SIGCHLD, SIG_IGN);
  EXPECT_THAT(end_of(sh("exit 1")), HasSubstr("exit status is lost"));
}

TEST_F(ChildTest, SignalsAreAsInAFreshProcess) {
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_THAT(end_of(sh("kill -PIPE $$")), HasSubstr("signal 13"));
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  EXPECT_THAT(end_of(sh("kill -TERM $$")), HasSubstr("signal 15"));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(ChildTest, InheritsNoDescriptorOfOurs) {
  const Pipe pipe = make_pipe();
  const Command command{.argv = {"ls", "/proc/self/fd"}, .env = child_environment({})};
  EXPECT_EQ(run_command(command, {}), "0\n1\n2\n3\n");  // 3 is the folder it reads
}

TEST_F(ChildTest, SecretsAreNotInItsEnvironment) {
  const std::vector<const char*> private_names{
      "BACKUP_LOCAL_PATH", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL",      "POSTGRES_PASSWORD",
      "PGPASSWORD",        "MY_API_TOKEN",          "OTHER_DB_PASSWORD", "POSTGRES_PASSWORD_FILE"};
  for (const char* name : private_names) ::setenv(name, "secret-value", 1);
  ::setenv("PGSSLMODE", "require", 1);
  const Command command{.argv = {"env"}, .env = child_environment({"PGPASSWORD=mine", "LC_ALL=C"})};
  const std::string environment = run_command(command, {});
  for (const char* name : private_names) ::unsetenv(name);
  ::unsetenv("PGSSLMODE");
  EXPECT_THAT(environment, AllOf(Not(HasSubstr("secret-value")), HasSubstr("PGPASSWORD=mine\n"),
                                 HasSubstr("PGSSLMODE=require\n"), HasSubstr("PATH=")));
}

TEST_F(ChildTest, ACommandThatLeadsElsewhereKeepsWhatIsNotOurs) {
  const std::vector<const char*> ours{"BACKUP_HTTP_TOKEN", "DATABASE_URL", "POSTGRES_PASSWORD",
                                      "PGPASSWORD", "NOTIFY_SOCKET"};
  const std::vector<const char*> theirs{"AWS_SECRET_ACCESS_KEY", "DIGITALOCEAN_ACCESS_TOKEN",
                                        "AZURE_CLIENT_SECRET", "PGHOST"};
  for (const char* name : ours) ::setenv(name, "of ours", 1);
  for (const char* name : theirs) ::setenv(name, "of theirs", 1);
  const std::string environment = run_command({.argv = {"env"}, .env = command_environment()}, {});
  for (const char* name : ours) ::unsetenv(name);
  for (const char* name : theirs) {
    ::unsetenv(name);
    EXPECT_THAT(environment, HasSubstr(std::string(name) + "=of theirs\n"));
  }
  EXPECT_THAT(environment, Not(HasSubstr("of ours")));
}

TEST_F(ChildTest, RunCommandReturnsItsOutputOrItsFailure) {
  EXPECT_EQ(run_command(sh("printf 'a\nb'"), {}), "a\nb");
  EXPECT_EQ(error_of([] { run_command(sh("echo out; echo bad >&2; exit 1"), {}); }),
            "sh: exit status 1: bad");
  EXPECT_EQ(error_of([] { run_command(sh("exec cat /dev/zero"), {}); }), "sh: endless output");
}

}  // namespace
}  // namespace pgstow
