#include "cli/startup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/text.h"
#include "harness/program.h"

namespace pgstow::cli {
namespace {

using testing::UnorderedElementsAre;

// getenv() finds the first of two variables of a name.
TEST(StartDetached, GivesItsChildOneSupervisorOnly) {
  const test::TempDir folder;
  const Startup startup{
      .program = "/usr/bin/env",
      .environment = {"NOTIFY_SOCKET=/ours", "WATCHDOG_USEC=1", "WATCHDOG_PID=1", "KEPT=yes"},
      .flags = {}};
  const std::string output = folder / "output";
  const int process = start_detached(startup, {}, output, {"NOTIFY_SOCKET=@its"});
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  ASSERT_EQ(status, 0);
  EXPECT_THAT(split(trim(test::read_file(output)), '\n'),
              UnorderedElementsAre("KEPT=yes", "NOTIFY_SOCKET=@its"));
}

}  // namespace
}  // namespace pgstow::cli
