// The sweep: a backup is killed before each state-changing system call in turn, and each of its
// writes, syncs and renames fails in turn.
//
// strace does it: "-b execve" lets go of children, and "when=N" counts in each thread of ours. All
// these calls are made by one thread (docs/DESIGN.md), so N runs over all of them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/text.h"
#include "e2e/faults.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateChanging =
    "openat,mkdir,mkdirat,write,pwrite64,fsync,fdatasync,sync_file_range,rename,renameat,"
    "renameat2,unlink,unlinkat,linkat,flock,fchmod,ftruncate";
constexpr const char* kFailing =
    "write,pwrite64,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,linkat";
constexpr int kMostPoints = 1000;  // an end for a sweep that would find none

class Sweep : public testing::Test {
 protected:
  Sweep() {
    server.create_database("shop");
    server.sql("shop",
               "create table a(i int primary key, t text);"
               "insert into a select i, 'row ' || i from generate_series(1, 50) i");
    pgstow.with("BACKUP_JOBS=1");
  }

  // One run under strace with `fault` injected into `calls`.
  Outcome traced(const std::string& calls, const std::string& fault) const {
    Program program = pgstow.program({"backup"});
    std::vector<std::string> argv{"strace", "-f", "-qq",           "-b", "execve", "-o",
                                  trace(),  "-e", "trace=" + calls};
    if (!fault.empty()) {
      argv.insert(argv.end(), {"-e", "inject=" + calls + ":" + fault});
    }
    argv.insert(argv.end(), program.argv.begin(), program.argv.end());
    program.argv = std::move(argv);
    return run(program);
  }

  std::string trace() const { return pgstow.folder() / "trace"; }

  // How many calls come before the first that has to do with the backup folder: those that load
  // libraries.
  int calls_before_ours(const std::string& calls) const {
    run_ok({.argv = {"true"}});
    const Outcome whole = traced(calls, "");
    if (!whole.ok()) throw Error(whole.describe());
    int before = 0;
    const std::string text = read_file(trace());
    for (const std::string_view line : split(text, '\n')) {
      if (line.find(pgstow.backups().string()) != std::string_view::npos) return before;
      ++before;
    }
    throw Error("the trace does not name the backup folder:\n" + text);
  }

  // Only the backup from before stays, so that each fault finds the same folder.
  void clear(const std::string& earlier_stem) const {
    for (const auto& entry : fs::directory_iterator(pgstow.backups())) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(earlier_stem) && !name.starts_with(".lock-")) fs::remove(entry.path());
    }
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(Sweep, KilledBeforeEachCall) {
  const Unharmed unharmed(server, "shop", pgstow);
  const std::string earlier =
      pgstow.archives().at(0).substr(0, sizeof("backup_20261122_210528") - 1);
  int injected = 0;
  const int first = calls_before_ours(kStateChanging) + 1;
  for (int n = first; n < kMostPoints; ++n) {
    clear(earlier);
    const Outcome outcome = traced(kStateChanging, fmt::format("signal=KILL:when={}", n));
    if (outcome.signal != SIGKILL) {
      EXPECT_TRUE(outcome.ok()) << outcome.describe();
      break;
    }
    ++injected;
    EXPECT_EQ(unharmed.after_next_run(), "") << "killed at call " << n;
    if (HasFailure()) FAIL() << read_file(trace());
  }
  EXPECT_GT(injected, 25);
  fmt::print("faults injected: {}, falsely good: 0, lost: 0, next run failed: 0\n", injected);
}

class FailingCalls : public Sweep, public testing::WithParamInterface<const char*> {};

TEST_P(FailingCalls, OneByOne) {
  const Unharmed unharmed(server, "shop", pgstow);
  const std::string earlier =
      pgstow.archives().at(0).substr(0, sizeof("backup_20261122_210528") - 1);
  int injected = 0;
  int reported = 0;
  for (int n = 1; n < kMostPoints; ++n) {
    clear(earlier);
    const Outcome outcome = traced(kFailing, fmt::format("error={}:when={}", GetParam(), n));
    const std::string calls = read_file(trace());
    if (calls.find("(INJECTED)") == std::string::npos) {
      EXPECT_TRUE(outcome.ok()) << outcome.describe();
      break;
    }
    ++injected;
    reported += outcome.ok() ? 0 : 1;
    // A run that says it went well has made a good backup, though a message could not be written.
    EXPECT_TRUE(outcome.exit_code == 1 || (outcome.ok() && pgstow.archives().size() == 2))
        << outcome.describe();
    EXPECT_EQ(unharmed.after_next_run(), "") << GetParam() << " at call " << n;
    if (HasFailure()) FAIL() << calls;
  }
  EXPECT_GE(reported, 7);  // two files: written, synced, renamed, their folder synced
  fmt::print("faults injected: {}, falsely good: 0, lost: 0, next run failed: 0\n", injected);
}

INSTANTIATE_TEST_SUITE_P(With, FailingCalls, testing::Values("ENOSPC", "EIO"));

}  // namespace
}  // namespace pgstow::test
