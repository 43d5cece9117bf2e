// `pgstow logs`, on a log that somebody else writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/log_file.h"
#include "harness/program.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;

class LogsTest : public testing::Test {
 protected:
  Program logs(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {PGSTOW_BINARY, "logs"});
    return {.argv = std::move(arguments),
            .env = {"BACKUP_LOCAL_PATH=" + folder_.path().string()},
            .folder = folder_.path()};
  }

  void write(const std::string& message) {
    file_.write({.message = message, .facts = {}}, LogFormat::kLogfmt);
  }

  // Until all of it has been printed: a hang is ended by the test's time limit.
  static std::string wait_for(const Running& program, const std::string& text) {
    while (!program.out().ends_with(text) && !program.ended()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return program.out();
  }

  TempDir folder_;
  StreamOutput otherwise_{stderr};
  LogFile file_{{.path = folder_ / ".pgstow" / "service.log", .max_size = 200, .keep = 3},
                otherwise_};
};

TEST_F(LogsTest, PrintsTheLastLinesOfAllFiles) {
  for (int i = 1; i <= 9; ++i) write("line" + std::to_string(i));
  ASSERT_TRUE(std::filesystem::exists(folder_ / ".pgstow" / "service.log.2"));
  const Outcome all = run(logs());
  EXPECT_EQ(all.exit_code, 0) << all.describe();
  EXPECT_THAT(all.out, HasSubstr("msg=line9\n"));
  const std::string last = run_ok(logs({"-n", "5"}));
  EXPECT_EQ(std::ranges::count(last, '\n'), 5) << last;
  EXPECT_THAT(last, HasSubstr("msg=line5\n"));
}

TEST_F(LogsTest, FollowsAcrossRotationsUntilInterrupted) {
  write("line0");
  Running program(logs({"-f", "-n", "1"}));
  EXPECT_THAT(wait_for(program, "msg=line0\n"), HasSubstr("msg=line0\n"));
  for (int i = 1; i <= 8; ++i) {  // each file has three or four
    write("line" + std::to_string(i));
    wait_for(program, "msg=line" + std::to_string(i) + "\n");
  }
  program.signal(SIGINT);
  const Outcome end = program.wait();
  EXPECT_EQ(end.exit_code, 0) << end.describe();
  EXPECT_EQ(end.err, "");
  EXPECT_EQ(std::ranges::count(end.out, '\n'), 9) << end.out;
}

TEST_F(LogsTest, WithoutAServiceItSaysWhereElseToLook) {
  const Outcome none = run(logs());
  EXPECT_EQ(none.exit_code, static_cast<int>(Exit::kNotFound)) << none.describe();
  EXPECT_THAT(none.err, HasSubstr(".pgstow/service.log: there is no log of a service yet"));
  EXPECT_THAT(none.err, HasSubstr("journalctl -u pgstow"));
}

TEST_F(LogsTest, ShowsWhatAnotherLeftInTheFileWithoutObeyingIt) {
  write("line");
  std::ofstream(folder_ / ".pgstow" / "service.log", std::ios::app) << "\x1B[2J\x9B\n";
  EXPECT_THAT(run_ok(logs()), HasSubstr("\\x1b[2J\\x9b\n"));
}

}  // namespace
}  // namespace pgstow::test
