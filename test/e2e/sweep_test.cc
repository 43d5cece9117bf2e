// The sweep: a backup is killed before each state-changing system call in turn, and each of its
// writes, syncs and renames fails in turn.
//
// strace does it. "-b execve" lets go of children, and "when=N" counts in each thread and for each
// system call. All calls that change something are made by our main thread (docs/DESIGN.md), so a
// run without faults tells all the points there are.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "e2e/faults.h"
#include "harness/share.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStateChanging =
    "openat,mkdir,mkdirat,write,pwrite64,fsync,fdatasync,sync_file_range,rename,renameat,"
    "renameat2,unlink,unlinkat,linkat,flock,fchmod,ftruncate";
constexpr const char* kFailing =
    "write,pwrite64,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,linkat";

// The n-th of the main thread's calls of that name.
struct Point {
  std::string call;
  int n = 0;
};

class Sweep : public testing::Test {
 protected:
  Sweep() {
    server.create_database("shop");
    server.sql("shop",
               "create table a(i int primary key, t text);"
               "insert into a select i, 'row ' || i from generate_series(1, 50) i");
    pgstow.with("BACKUP_JOBS=1");
  }

  // One run under strace, which writes `calls` to trace().
  Outcome traced(const std::string& calls, const std::vector<std::string>& options = {}) const {
    Program program = pgstow.program({"backup"});
    std::vector<std::string> argv{"strace", "-f", "-qq",           "-b", "execve", "-o",
                                  trace(),  "-e", "trace=" + calls};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.insert(argv.end(), program.argv.begin(), program.argv.end());
    program.argv = std::move(argv);
    return run(program);
  }
  Outcome with_fault(const Point& point, const std::string& fault) const {
    return traced(point.call,
                  {"-e", fmt::format("inject={}:{}:when={}", point.call, fault, point.n)});
  }

  std::string trace() const { return pgstow.folder() / "trace"; }

  // All points of a run, from the first that has to do with the backup folder: before it, libraries
  // are loaded.
  std::vector<Point> points(const std::string& calls) const {
    const Outcome whole = traced(kStateChanging);
    if (!whole.ok()) throw Error(whole.describe());
    const std::string text = read_file(trace());
    const std::string main_thread = text.substr(0, text.find(' ') + 1);
    std::map<std::string, int> counts;
    std::vector<Point> found;
    bool ours = false;
    for (const std::string_view line : split(text, '\n')) {
      if (!line.starts_with(main_thread)) continue;
      const std::string_view rest = trim(line.substr(main_thread.size()));
      const std::string call(rest.substr(0, rest.find('(')));
      ours = ours || rest.find(pgstow.backups().string()) != std::string_view::npos;
      const int n = ++counts[call];
      const bool wanted = ("," + calls + ",").find("," + call + ",") != std::string::npos;
      if (ours && wanted) found.push_back({.call = call, .n = n});
    }
    return found;
  }

  // Only the backup from before stays, so that each fault finds the same folder.
  void clear(const std::string& earlier_stem) const { clear(pgstow.backups(), earlier_stem); }
  static void clear(const fs::path& folder, const std::string& earlier_stem) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(earlier_stem) && !name.starts_with(".lock-")) fs::remove(entry.path());
    }
  }

  static Tally sums() { return Tally({"falsely good", "lost", "next run failed"}); }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

// The backup that must survive is a second older than all others, so that no run has to wait for a
// free name: all runs make the same calls then.
struct Earlier {
  explicit Earlier(const TestServer& server, const Pgstow& pgstow)
      : unharmed(server, "shop", pgstow),
        stem(pgstow.archives().at(0).substr(0, sizeof("backup_20261122_210528") - 1)) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  Unharmed unharmed;
  std::string stem;
};

// Runs that are killed, each before another call.
class KilledSweep : public Sweep {
 protected:
  // Of more than `least` points one in `part`. `after` says what else is wrong after the kill.
  void kill_before_each(
      std::size_t least, std::size_t part, const std::vector<fs::path>& other_folders = {},
      const std::function<std::string()>& after = [] { return ""; }) {
    const Earlier earlier(server, pgstow);
    const std::vector<Point> all = points(kStateChanging);
    EXPECT_GT(all.size(), least);
    Tally tally = sums();
    for (const Point& point : share_of(all, part)) {
      SCOPED_TRACE(fmt::format("killed before {} number {}", point.call, point.n));
      clear(earlier.stem);
      for (const fs::path& folder : other_folders) clear(folder, earlier.stem);
      const Outcome outcome = with_fault(point, "signal=KILL");
      ASSERT_EQ(outcome.signal, SIGKILL) << outcome.describe() << read_file(trace());
      const std::string bad = after();
      ASSERT_EQ(tally.add(bad + earlier.unharmed.after_next_run()), "");
    }
  }
};

TEST_F(KilledSweep, BeforeEachCall) { kill_before_each(25, 3); }

// Into two stores: neither ever lists what is not whole.
TEST_F(KilledSweep, BeforeEachCallWithTwoStores) {
  const fs::path usb = pgstow.folder() / "usb";
  fs::create_directory(usb);
  pgstow.with("BACKUP_STORES=local,local:usb").with("BACKUP_LOCAL_USB_PATH=" + usb.string());
  kill_before_each(45, 3, {usb}, [&] {
    const Outcome verify = pgstow.run({"verify", "--all"});
    return verify.ok() ? "" : "falsely good: " + verify.describe();
  });
}

// With a table and large objects that readers take: what they held of the server is let go, too.
TEST_F(KilledSweep, BeforeEachCallWithReaders) {
  server.sql("shop",
             "create table big as select i, repeat(md5(i::text), 3) as t "
             "from generate_series(1, 75000) i;"
             "select count(lo_from_bytea(0, md5(i::text)::bytea)) from generate_series(1, 600) i");
  server.sql("shop", "vacuum analyze big");
  pgstow.with("BACKUP_JOBS=3").with("BACKUP_LOG_LEVEL=debug");
  kill_before_each(30, 16, {}, [&] {
    await("the sessions' end", [&] {
      return server.value("postgres",
                          "select count(*) from pg_stat_activity where datname = 'shop'") == "0";
    });
    return "";
  });
}

class FailingCalls : public Sweep, public testing::WithParamInterface<const char*> {};

TEST_P(FailingCalls, OneByOne) {
  const Earlier earlier(server, pgstow);
  const std::vector<Point> all = points(kFailing);
  int reported = 0;
  Tally tally = sums();
  for (const Point& point : all) {
    SCOPED_TRACE(fmt::format("{} in {} number {}", GetParam(), point.call, point.n));
    clear(earlier.stem);
    const Outcome outcome = with_fault(point, std::string("error=") + GetParam());
    ASSERT_NE(read_file(trace()).find("(INJECTED)"), std::string::npos) << outcome.describe();
    reported += outcome.ok() ? 0 : 1;
    // A run that says it went well has made a good backup, though a message could not be written.
    EXPECT_TRUE(outcome.exit_code == 1 || (outcome.ok() && pgstow.archives().size() == 2))
        << outcome.describe();
    ASSERT_EQ(tally.add(earlier.unharmed.after_next_run()), "");
  }
  EXPECT_GE(reported, 8);  // two files: written, synced, renamed, their folder synced
}

INSTANTIATE_TEST_SUITE_P(With, FailingCalls, testing::Values("ENOSPC", "EIO"));

}  // namespace
}  // namespace pgstow::test
