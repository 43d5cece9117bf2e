#include "pg/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/words.h"
#include "harness/program.h"

namespace pgstow::pg {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A place that is no other one, but has nothing of our environment.
const Runner kElsewhere{.prefix = {"env", "-i", "PATH=/usr/bin:/bin"}};

std::string output(Child& child) {
  std::string all;
  std::array<char, 4096> buffer;
  while (const std::size_t n = child.read(buffer, {})) all.append(buffer.data(), n);
  return all;
}

Child start(const Runner& runner, const std::vector<std::string>& argv, const std::string& password,
            ToolInput input) {
  Command command = remote_command(runner, argv, password, input);
  command.pipe_out = true;
  return Child::start(command);
}

// Waits until the file is there and has a line in it.
std::string line_of(const std::filesystem::path& file) {
  for (;;) {
    if (std::filesystem::exists(file)) {
      const std::string text = test::read_file(file);
      if (text.ends_with('\n')) return text.substr(0, text.size() - 1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void await_end(pid_t pid) {
  while (::kill(pid, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST(Runner, APasswordOfAnyBytesArrivesAndIsSeenNowhere) {
  std::string password;
  for (int c = 1; c < 256; ++c) password += static_cast<char>(c);
  const Command command =
      remote_command(kElsewhere, {"printenv", "PGPASSWORD"}, password, ToolInput::kNone);
  EXPECT_THAT(shell_line(command.argv), Not(HasSubstr("abc")));
  EXPECT_THAT(shell_line(command.env), Not(HasSubstr("PGPASSWORD")));
  for (const ToolInput input : {ToolInput::kNone, ToolInput::kStream}) {
    Child child = start(kElsewhere, {"printenv", "PGPASSWORD"}, password, input);
    EXPECT_EQ(output(child), password + "\n");
    EXPECT_EQ(child.wait({}), "");
  }
}

TEST(Runner, WithoutAPasswordThatOfThePlaceStays) {
  const Runner runner{.prefix = {"env", "-i", "PATH=/usr/bin:/bin", "PGPASSWORD=theirs"}};
  Child child = start(runner, {"printenv", "PGPASSWORD", "LC_ALL"}, "", ToolInput::kNone);
  EXPECT_EQ(output(child), "theirs\nC\n");
}

// A stand-in for kubectl, whose credentials come by a program that reads AWS's variables.
TEST(Runner, TheCommandHasItsOwnSecretsButNotOurs) {
  const test::TempDir dir("pgstow-kubectl-");
  const auto kubectl = dir / "kubectl";
  test::write_file(kubectl,
                   "#!/bin/sh\n[ \"$AWS_SECRET_ACCESS_KEY\" = key ] || exit 9\n"
                   "[ -z \"$BACKUP_HTTP_TOKEN\" ] || exit 8\nshift 4\nexec env -i \"$@\"\n");
  std::filesystem::permissions(kubectl, std::filesystem::perms(0700));
  ::setenv("AWS_SECRET_ACCESS_KEY", "key", 1);
  ::setenv("BACKUP_HTTP_TOKEN", "token", 1);
  Child child =
      start({.prefix = {kubectl, "exec", "-i", "pod", "--"}}, {"env"}, "", ToolInput::kNone);
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ::unsetenv("BACKUP_HTTP_TOKEN");
  EXPECT_THAT(output(child), Not(HasSubstr("AWS_")));
  EXPECT_EQ(child.wait({}), "");
}

// Where the relay goes, too: sessions and programs must not meet different servers.
TEST(Runner, WithoutAHostProgramsGoWhereSessionsGo) {
  Child child = start(kElsewhere, {"printenv", "PGHOST"}, "", ToolInput::kNone);
  EXPECT_EQ(output(child), "127.0.0.1\n");
  const Runner theirs{.prefix = {"env", "-i", "PATH=/usr/bin:/bin", "PGHOST=/run/db"}};
  Child other = start(theirs, {"printenv", "PGHOST"}, "", ToolInput::kNone);
  EXPECT_EQ(output(other), "/run/db\n");
}

TEST(Runner, ArgumentsStatusAndMessagesPass) {
  Child child = start(kElsewhere,
                      {"sh", "-c", "printf '%s|' \"$@\"; echo why >&2; exit 7", "x", "it's", "",
                       "$HOME", "a b", "*"},
                      "", ToolInput::kNone);
  EXPECT_EQ(output(child), "it's||$HOME|a b|*|");
  try {
    child.wait({});
    FAIL();
  } catch (const ProcessFailed& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("exit status 7"), HasSubstr("why")));
  }
}

TEST(Runner, AStreamIsTheProgramsInput) {
  Child child = start(kElsewhere, {"sha256sum"}, "secret", ToolInput::kStream);
  const std::string bytes(3'000'000, 'x');
  child.write(bytes, {});
  child.close_input();
  EXPECT_EQ(output(child), test::run_ok({.argv = {"sha256sum"}, .input = bytes}));
}

// What joins its words and has a shell read them, as ssh does.
TEST(Runner, ThroughSshArgumentsAreQuoted) {
  const test::TempDir dir("pgstow-ssh-");
  const auto ssh = dir / "ssh";
  test::write_file(ssh, "#!/bin/sh\nshift\nexec sh -c \"$*\"\n");
  std::filesystem::permissions(ssh, std::filesystem::perms(0700));
  Child child = start({.prefix = {ssh, "somewhere"}}, {"printf", "%s|", "it's", "", "$HOME", "a b"},
                      "p'w", ToolInput::kNone);
  EXPECT_EQ(output(child), "it's||$HOME|a b|");
}

// A program that says its process id, and would then run for a minute.
std::vector<std::string> lasting(const std::filesystem::path& told) {
  return {"sh", "-c", "echo $$ >\"$0\"; exec sleep 60", told};
}

TEST(Runner, AProgramEndsWithUs) {
  const test::TempDir dir("pgstow-runner-");
  pid_t tool = -1;
  {
    // Not ended by our signal: as if it ran elsewhere, it only sees its input end.
    Command command =
        remote_command({.prefix = {"setsid"}}, lasting(dir / "pid"), "", ToolInput::kNone);
    Child child = Child::start(command);
    tool = std::stoi(line_of(dir / "pid"));
    EXPECT_EQ(::kill(tool, 0), 0);
  }
  await_end(tool);
}

TEST(Runner, AProgramEndsWithTheCommandThatRanIt) {
  const test::TempDir dir("pgstow-runner-");
  // As the command for containers: what it starts does not go when it is killed.
  Command command = remote_command({.prefix = {"sh", "-c", "cat | setsid \"$@\"", "far"}},
                                   lasting(dir / "pid"), "", ToolInput::kNone);
  Child child = Child::start(command);
  const pid_t tool = std::stoi(line_of(dir / "pid"));
  ::kill(-child.pid(), SIGKILL);
  await_end(tool);
  EXPECT_THROW(child.wait({}), ProcessFailed);
}

}  // namespace
}  // namespace pgstow::pg
