#include "harness/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "base/error.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Program, GivesInputAndKeepsOutput) {
  const TempDir folder;
  const Outcome outcome = run({.argv = {"sh", "-c", "cat; pwd; echo oops >&2; exit 3"},
                               .input = "hello\n",
                               .folder = folder.path()});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "hello\n" + folder.path().string() + "\n");
  EXPECT_EQ(outcome.err, "oops\n");
}

TEST(Program, RunsInACleanEnvironment) {
  ::setenv("AWS_SECRET_ACCESS_KEY", "leak", 1);
  const Outcome outcome = run({.argv = {"env"}, .env = {"ONE=1", "HOME=/nowhere"}});
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  EXPECT_THAT(outcome.out, HasSubstr("ONE=1\n"));
  EXPECT_THAT(outcome.out, HasSubstr("HOME=/nowhere\n"));
  EXPECT_THAT(outcome.out, HasSubstr("PATH="));
  EXPECT_THAT(outcome.out, Not(HasSubstr("AWS_")));
}

TEST(Program, SaysWhatWentWrong) {
  EXPECT_THROW(run({.argv = {"/no/such/program"}}), NotFound);
  try {
    run_ok({.argv = {"sh", "-c", "echo because >&2; exit 9"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("exit 9"));
    EXPECT_THAT(error.what(), HasSubstr("because"));
  }
}

TEST(Program, EndsWhatHangs) {
  try {
    run({.argv = {"sh", "-c", "echo begun; sleep 1000"}, .timeout = std::chrono::seconds(1)});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("not done in 1 s"));
    EXPECT_THAT(error.what(), HasSubstr("begun"));
  }
}

TEST(Program, RunsInTheBackground) {
  Running sleeper({.argv = {"sh", "-c", "echo up; exec sleep 1000"}});
  while (sleeper.out() != "up\n") ASSERT_FALSE(sleeper.ended());
  sleeper.signal(SIGTERM);
  const Outcome outcome = sleeper.wait();
  EXPECT_EQ(outcome.signal, SIGTERM);
  EXPECT_EQ(outcome.exit_code, -1);
}

TEST(TempDir, GoesWithAllItHolds) {
  std::filesystem::path path;
  {
    const TempDir folder;
    path = folder.path();
    std::filesystem::create_directory(path / "sub");
    write_file(path / "sub" / "file", "text");
    EXPECT_EQ(read_file(path / "sub" / "file"), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace pgstow::test
