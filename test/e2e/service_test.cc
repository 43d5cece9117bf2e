// The service as its users meet it: started, asked, signalled, stopped; and several of them at
// once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "e2e/faults.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A schedule that is not due while a test runs: what is made is what was missed.
constexpr const char* kYearly = "BACKUP_SCHEDULE_CRON=0 0 1 1 *";

class Service : public testing::Test {
 protected:
  Service() {
    server.create_database("shop");
    server.sql("shop", kShop);
    pgstow.with(kYearly).with("BACKUP_HTTP_LISTEN=off");
  }

  Running start(const Pgstow& host) { return Running(host.program({"run"})); }
  static void await_log(const Running& service, const std::string& text) {
    await(text, [&] { return service.err().find(text) != std::string::npos; });
  }
  static bool is_running(const Pgstow& host) {
    return host.run({"status", "--json"}).out.find("\"service\": true") != std::string::npos;
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

// A supervisor as systemd is one: it hears what services say (sd_notify).
class Hearing {
 public:
  Hearing() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (folder_ / "notify").string();
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw Error("bind");
    }
    listener_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  }
  std::string variable() const { return "NOTIFY_SOCKET=" + (folder_ / "notify").string(); }
  // All that is said up to the last word, a line each; a minute is waited for it.
  std::string heard() {
    await("the last word", [this] { return text().find("STOPPING=1") != std::string::npos; });
    return text();
  }

 private:
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // All the time, as a supervisor does: it holds few messages, and then their sender waits.
  void listen(const std::stop_token& stop) {
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    while (!stop.stop_requested()) {
      if (::poll(&waiting, 1, 50) <= 0) continue;
      char buffer[4096];
      const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      const std::lock_guard lock(mutex_);
      if (n > 0) text_.append(buffer, static_cast<std::size_t>(n)).append("\n");
    }
  }

  TempDir folder_{"pgstow-notify-"};
  Fd socket_;
  std::mutex mutex_;  // guards text_
  std::string text_;
  std::jthread listener_;
};

TEST_F(Service, UpStatusRestartDown) {
  EXPECT_EQ(pgstow.run({"status"}).exit_code, 1) << "there is no backup";
  const Outcome up = pgstow.run({"up"});
  ASSERT_EQ(up.exit_code, 0) << up.describe();
  await("the missed backup", [&] { return pgstow.files(".json").size() == 1; });
  await("a good status", [&] { return pgstow.run({"status"}).exit_code == 0; });
  EXPECT_THAT(pgstow.run({"status"}).out,
              AllOf(HasSubstr("running: pid"), HasSubstr("wrong     nothing"),
                    HasSubstr("local: 1 backups")));
  EXPECT_THAT(pgstow.run({"up"}).out, HasSubstr("runs already"));
  const Outcome second = pgstow.run({"run"});
  EXPECT_EQ(second.exit_code, 11) << second.describe();

  const Outcome restart = pgstow.run({"restart"});
  EXPECT_EQ(restart.exit_code, 0) << restart.describe();
  EXPECT_TRUE(is_running(pgstow));
  const Outcome down = pgstow.run({"down"});
  EXPECT_EQ(down.exit_code, 0) << down.describe();
  EXPECT_FALSE(is_running(pgstow));
  EXPECT_THAT(pgstow.run({"status"}).out, HasSubstr("the service is not running"));
  EXPECT_EQ(pgstow.run({"status"}).exit_code, 3);
  EXPECT_THAT(pgstow.run({"down"}).out, HasSubstr("was not running"));
  EXPECT_THAT(pgstow.archives(), SizeIs(1)) << "a restart makes no backup";
}

TEST_F(Service, UpSeveralTimesAtOnceStartsOne) {
  std::vector<Running> ups;
  for (int i = 0; i < 4; ++i) ups.emplace_back(pgstow.program({"up"}));
  int started = 0;
  for (Running& up : ups) {
    const Outcome outcome = up.wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
    if (outcome.out.find("runs: process") != std::string::npos) ++started;
  }
  EXPECT_EQ(started, 1);
  EXPECT_EQ(pgstow.run({"down"}).exit_code, 0);
}

TEST_F(Service, UpSaysWhatIsWrongWhereItIsAsked) {
  pgstow.with("BACKUP_SCHEDULE_CRON=61 * * * *");
  const Outcome up = pgstow.run({"up"});
  EXPECT_EQ(up.exit_code, 2) << up.describe();
  EXPECT_THAT(up.err, AllOf(HasSubstr("BACKUP_SCHEDULE_CRON"), HasSubstr("minute")));
}

TEST_F(Service, TwoHostsWithOneConfigurationMakeOneBackup) {
  const TempDir nas;
  Pgstow other(server, "shop");
  for (Pgstow* host : {&pgstow, &other}) {
    host->with(kYearly)
        .with("BACKUP_HTTP_LISTEN=off")
        .with("BACKUP_STORES=local,local:nas")
        .with("BACKUP_LOCAL_NAS_PATH=" + nas.path().string());
  }
  const Running one = start(pgstow);
  const Running two = start(other);
  await_log(one, "next backup");
  await_log(two, "next backup");
  EXPECT_EQ(pgstow.archives().size() + other.archives().size(), 1U) << one.err() << "\n"
                                                                    << two.err();
  EXPECT_THAT(one.err() + two.err(), HasSubstr("a backup for this time is there already"));
}

TEST_F(Service, ASignalEndsItInMidBackupWithinSeconds) {
  const FakeTool dump("pg_dump", "pause; exec \"$REAL\" \"$@\"");
  pgstow.with(dump.setting());
  Running service = start(pgstow);
  dump.await_pause(service);
  const auto began = std::chrono::steady_clock::now();
  service.signal(SIGTERM);
  const Outcome outcome = service.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(parts(pgstow), IsEmpty());
  EXPECT_THAT(pgstow.files(""), IsEmpty());
  EXPECT_THAT(processes_naming(dump.setting().substr(14)), IsEmpty());
}

TEST_F(Service, AFailedBackupIsTriedAgainAndStatusTellsWhy) {
  server.sql("shop", "create role reader login; grant connect on database shop to reader");
  pgstow.with("DATABASE_URL=postgresql:///shop?user=reader");
  Running service = start(pgstow);
  await_log(service, "can't read the whole database");
  const Outcome status = pgstow.run({"status"});
  EXPECT_EQ(status.exit_code, 1) << status.describe();
  EXPECT_THAT(status.out,
              AllOf(HasSubstr("last run  failed"), HasSubstr("the last run failed: role reader")));
  EXPECT_THAT(service.err(), HasSubstr("next="));
}

TEST_F(Service, HangupTakesNewSettingsIfTheyAreSound) {
  const fs::path file = pgstow.folder() / ".env";
  pgstow.with("BACKUP_SCHEDULE_CRON=");  // an empty variable is none
  write_file(file, "BACKUP_SCHEDULE_CRON=0 0 1 1 *\n");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  Running service = start(pgstow);
  await_log(service, "next backup");
  write_file(file, "BACKUP_SCHEDULE_CRON=0 0 31 2 *\n");
  service.signal(SIGHUP);
  await_log(service, "the new configuration is wrong");
  EXPECT_FALSE(service.ended());
  write_file(file, "BACKUP_SCHEDULE_CRON=0 0 2 1 *\n");
  service.signal(SIGHUP);
  await_log(service, "-01-02 00:00:00");
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait().exit_code, 0);
}

// What would end it for good, once it has begun anew.
TEST_F(Service, HangupKeepsTheOldSettingsWhereNewOnesCannotWork) {
  const fs::path file = pgstow.folder() / ".env";
  const auto write = [&](const std::string& text) {
    write_file(file, text);
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  };
  write_file(pgstow.folder() / "plain", "");
  const std::string shop = "DATABASE_URL=postgresql:///shop\n";
  write(shop);
  Running service = start(pgstow);
  await_log(service, "next backup");
  std::size_t refused = 0;
  const auto count = [&] {
    std::size_t n = 0;
    const std::string log = service.err();
    for (std::size_t at = 0; (at = log.find("the old one stays", at)) != std::string::npos; ++at)
      ++n;
    return n;
  };
  for (const std::string& text :
       {shop + "BACKUP_STORES=local,local:x\nBACKUP_LOCAL_X_PATH=plain\n",
        shop + "BACKUP_STATE_PATH=/proc/state\n",
        shop + "BACKUP_STORES=local,s3\nBACKUP_S3_BUCKET=b\nBACKUP_S3_REGION=r\n"
               "BACKUP_S3_CA=/none.pem\n",
        std::string("DATABASE_URL=postgresql:///postgres\n")}) {
    write(text);
    service.signal(SIGHUP);
    ++refused;
    await("it to be refused: " + text, [&] { return count() == refused || service.ended(); });
    ASSERT_FALSE(service.ended()) << text << service.err();
  }
  EXPECT_THAT(service.err(),
              HasSubstr("the database is postgres now, the service is that of shop"));
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait().exit_code, 0);
}

TEST_F(Service, ASingleRunLeavesTheFileOfMetricsToIt) {
  const fs::path file = pgstow.folder() / "pgstow.prom";
  pgstow.with("BACKUP_METRICS_FILE=" + file.string());
  Running service = start(pgstow);
  await_log(service, "next backup");
  // It writes once more when it begins to wait.
  await("the service to be quiet", [&] {
    write_file(file, "the service's\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    return read_file(file) == "the service's\n";
  });
  const Outcome single = pgstow.run({"backup"});
  EXPECT_EQ(single.exit_code, 0) << single.describe();
  EXPECT_EQ(read_file(file), "the service's\n");
  service.signal(SIGTERM);
  EXPECT_EQ(service.wait().exit_code, 0);
  EXPECT_EQ(pgstow.run({"backup"}).exit_code, 0);
  EXPECT_THAT(read_file(file), HasSubstr("pgstow_"));
}

TEST_F(Service, WhatFailsAfterAGoodSingleRunIsNotTheBackups) {
  const fs::path file = pgstow.folder() / "pgstow.prom";
  pgstow.with("BACKUP_METRICS_FILE=" + file.string()).with("BACKUP_SCHEDULE_CRON=61 * * * *");
  const Outcome single = pgstow.run({"backup"});
  EXPECT_EQ(single.exit_code, 0) << single.describe();
  EXPECT_THAT(single.err, HasSubstr("BACKUP_SCHEDULE_CRON"));
  EXPECT_THAT(read_file(file),
              HasSubstr("pgstow_runs_total{database=\"shop\",outcome=\"good\"} 1"));
}

TEST_F(Service, ItsSupervisorIsTold) {
  Hearing supervisor;
  pgstow.with(supervisor.variable()).with("WATCHDOG_USEC=400000");
  Running service = start(pgstow);
  await_log(service, "next backup");
  service.signal(SIGTERM);
  EXPECT_THAT(supervisor.heard(), AllOf(HasSubstr("READY=1"), HasSubstr("WATCHDOG=1"),
                                        HasSubstr("STATUS=next backup"), HasSubstr("STOPPING=1")));
}

// PGSTOW_STARTS_ROUNDS=20 for the full length.
TEST_F(Service, OfThirtyTwoStartsOneRuns) {
  const char* rounds = std::getenv("PGSTOW_STARTS_ROUNDS");
  for (int round = 0; round < (rounds == nullptr ? 1 : std::atoi(rounds)); ++round) {
    const FakeTool dump("pg_dump", "pause; exec \"$REAL\" \"$@\"");
    pgstow.with(dump.setting());
    std::vector<Running> starts;
    for (int i = 0; i < 32; ++i) starts.emplace_back(pgstow.program({"backup"}));
    await("all but one to end", [&] {
      return std::ranges::count_if(starts, [](const Running& r) { return r.ended(); }) == 31;
    });
    dump.resume();
    int good = 0;
    for (Running& start : starts) {
      const Outcome outcome = start.wait();
      if (outcome.exit_code == 0) {
        ++good;
      } else {
        EXPECT_EQ(outcome.exit_code, 11) << outcome.describe();
        EXPECT_THAT(outcome.err, HasSubstr("a backup of shop is already running: pid"));
      }
    }
    EXPECT_EQ(good, 1);
    EXPECT_THAT(pgstow.archives(), SizeIs(round + 1));
  }
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
}

}  // namespace
}  // namespace pgstow::test
