// The service on a schedule of every minute, while it is killed, its disk fills up, and its
// database and its S3 server come and go. What is looked at: backups that are no good, two at once,
// memory and descriptors, alarms.
//
//   PGSTOW_SOAK_MINUTES=30 build/release/test/e2e_test --gtest_filter='Soak.*'
//
// Two minutes without the variable. The last line of its output has the counts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

#include "e2e/faults.h"
#include "harness/dump_text.h"
#include "harness/rgw.h"
#include "harness/scripted_http.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono;
using testing::IsEmpty;

// A file system that is full when it is told to be. As root a small one of its own; others get a
// folder that can't be written.
class Disk {
 public:
  explicit Disk(fs::path at) : at_(std::move(at)), mounted_(::geteuid() == 0) {
    fs::create_directories(at_);
    if (mounted_ && ::mount("none", at_.c_str(), "tmpfs", 0, "size=24m,mode=0700") != 0) {
      throw_errno("mount");
    }
  }
  Disk(const Disk&) = delete;
  ~Disk() {
    empty();
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }

  void fill() {
    if (!mounted_) return fs::permissions(at_, fs::perms::owner_read | fs::perms::owner_exec);
    std::ofstream file(at_ / ".filler", std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) continue;
  }
  void empty() {
    if (!mounted_) return fs::permissions(at_, fs::perms::owner_all);
    fs::remove(at_ / ".filler");
  }

 private:
  const fs::path at_;
  const bool mounted_;
};

struct Counts {
  int kills = 0;
  int outages = 0;
  int s3_outages = 0;
  int full_disks = 0;
};

class Soak : public testing::Test {
 protected:
  Soak() {
    server.create_database("shop");
    server.sql("shop", kShop);
    pgstow.with("BACKUP_SCHEDULE_CRON=* * * * *")
        .with("BACKUP_HTTP_LISTEN=off")
        .with("BACKUP_STATE_PATH=" + (pgstow.folder() / "state").string())
        .with("BACKUP_WEBHOOK_URL=" + people.url())
        .with("BACKUP_NOTIFY_ON=always")
        .with("BACKUP_S3_ENABLED=true")
        .with_bucket(s3.url(), bucket, rgw.admin())
        .with("BACKUP_S3_ATTEMPTS=3");
  }

  void start() {
    Program program = pgstow.program({"run"});
    program.timeout = hours(2);
    service = std::make_unique<Running>(program);
  }
  void kill() {
    service->signal(SIGKILL);
    logs += service->err();
    static_cast<void>(service->wait());
    start();
  }

  // Until shortly before the next minute, when a backup is due.
  static void await_due() {
    const auto now = system_clock::now();
    const auto due = ceil<minutes>(now + milliseconds(500)) - milliseconds(500);
    std::this_thread::sleep_until(due);
  }
  // Until one is being made, and a random moment longer.
  void await_backup() {
    for (int i = 0; i < 700 && parts(pgstow).empty(); ++i) std::this_thread::sleep_for(100ms);
    std::this_thread::sleep_for(milliseconds(random() % 400));
  }

  // One misfortune, and its end.
  void misfortune(bool may_kill) {
    if (random() % 3 != 0) await_due();
    switch (random() % (may_kill ? 4 : 3)) {
      case 0:
        ++counts.outages;
        server.stop(TestServer::Stop::kImmediate);
        pause(2, 8);
        server.start();
        return;
      case 1:
        ++counts.s3_outages;
        s3.kill();
        pause(2, 15);
        s3.restart();
        return;
      case 2:
        ++counts.full_disks;
        disk.fill();
        pause(2, 15);
        disk.empty();
        return;
      default:
        ++counts.kills;
        await_backup();
        kill();
    }
  }

  void pause(unsigned least, unsigned most) {
    std::this_thread::sleep_for(seconds(least + random() % (most - least + 1)));
  }

  std::size_t told(const std::string& event) const {
    const std::string member = "\"event\": \"" + event + "\"";
    std::size_t count = 0;
    for (const HttpCall& call : people.calls()) {
      if (call.body.find(member) != std::string::npos) ++count;
    }
    return count;
  }

  // Until a job has ended well, and the daemon is at rest.
  void await_good() {
    const std::size_t good = told("good") + told("recovered");
    for (int i = 0; i < 90 && told("good") + told("recovered") == good; ++i) pause(2, 2);
    EXPECT_GT(told("good") + told("recovered"), good) << service->err();
    std::this_thread::sleep_for(1s);
  }

  // What the daemon holds open, one a line.
  std::string descriptors() const {
    std::string found;
    for (const auto& one : fs::directory_iterator(fmt::format("/proc/{}/fd", service->pid()))) {
      std::error_code gone;
      found += fs::read_symlink(one, gone).string() + "\n";
    }
    return found;
  }
  // In kilobytes.
  long memory() const {
    std::ifstream file(fmt::format("/proc/{}/status", service->pid()));
    for (std::string word; file >> word;) {
      long kilobytes = 0;
      if (word == "VmRSS:" && file >> kilobytes) return kilobytes;
    }
    return 0;
  }

  TestServer server;
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  Gateway s3 = rgw.gateway();
  ScriptedHttp people;
  Pgstow pgstow{server, "shop"};
  Disk disk{pgstow.backups()};
  std::unique_ptr<Running> service;
  std::string logs;
  std::mt19937 random{std::random_device()()};
  Counts counts;
};

// Two jobs of one process would begin one after the other, without an end between them.
int overlaps(const std::string& log) {
  int found = 0;
  bool running = false;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("the service begins") != std::string::npos) running = false;
    if (line.find("Starting database backup") != std::string::npos) {
      if (running) ++found;
      running = true;
    }
    if (line.find("next backup") != std::string::npos) running = false;
    if (line.find("next=") != std::string::npos) running = false;
  }
  return found;
}

long lines_of(const std::string& text) { return std::ranges::count(text, '\n'); }

// Each is an error that tells when it is tried again.
std::size_t failed_jobs(const std::string& log) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = log.find(" next=", at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST_F(Soak, NothingFalselyGoodNoOverlapNoGrowthAlarmsInTime) {
  const char* variable = std::getenv("PGSTOW_SOAK_MINUTES");
  const minutes length(variable == nullptr ? 2 : std::atoi(variable));
  const std::string expected = dump_text(server, "shop");
  const auto end = steady_clock::now() + length;
  const auto last_kill = steady_clock::now() + length / 2;  // growth is measured after it
  start();
  await("the first backup", [&] { return told("good") > 0; });
  long memory_before = 0;
  std::string descriptors_before;
  bool measured = false;
  // One misfortune at least comes after the last kill, however long those before it took.
  while (steady_clock::now() < end || !measured) {
    pause(1, 12);
    const bool may_kill = steady_clock::now() < last_kill;
    misfortune(may_kill);
    if (!may_kill && !measured) {
      await_good();  // what one job needs is no growth
      measured = true;
      memory_before = memory();
      descriptors_before = descriptors();
    }
  }

  await_good();  // calm again, and everything delivered
  const long memory_after = memory();
  const std::string descriptors_after = descriptors();
  const std::string log = logs + service->err();
  service->signal(SIGTERM);
  EXPECT_EQ(service->wait().exit_code, 0);

  const std::vector<std::string> lies = falsely_good(pgstow, expected);
  EXPECT_THAT(lies, IsEmpty());
  const Outcome verify = pgstow.run({"verify", "--all"});
  EXPECT_EQ(verify.exit_code, 0) << verify.describe();
  EXPECT_EQ(overlaps(log), 0) << log;
  EXPECT_LT(memory_after - memory_before, 16 * 1024) << "kilobytes";
  // Idle connections to the S3 server and to the webhook are kept, one each.
  EXPECT_LE(lines_of(descriptors_after), lines_of(descriptors_before) + 4)
      << descriptors_before << "then\n"
      << descriptors_after;
  EXPECT_THAT(parts(pgstow), IsEmpty());
  const std::size_t bad = told("failed") + told("incomplete");
  const std::size_t failures = failed_jobs(log);
  EXPECT_LE(told("failed"), failures);
  EXPECT_GE(told("failed") + static_cast<std::size_t>(counts.kills), failures);
  std::cout << fmt::format(
      "soak: {} min, kills: {}, database outages: {}, S3 outages: {}, full disks: {}; backups "
      "listed: {}, falsely good: {}, overlaps: {}; jobs failed: {}; told: good {}, bad {}, "
      "recovered {}, stale {}; "
      "memory {} to {} kB, descriptors {} to {}\n",
      length.count(), counts.kills, counts.outages, counts.s3_outages, counts.full_disks,
      pgstow.archives().size(), lies.size(), overlaps(log), failures, told("good"), bad,
      told("recovered"), told("stale"), memory_before, memory_after, lines_of(descriptors_before),
      lines_of(descriptors_after));
}

}  // namespace
}  // namespace pgstow::test
