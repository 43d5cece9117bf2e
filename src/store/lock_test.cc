#include "store/lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/child.h"
#include "base/error.h"
#include "base/fd.h"
#include "harness/forked.h"
#include "harness/program.h"

namespace pgstow::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class FileLockTest : public ::testing::Test {
 protected:
  FileLock take(std::string_view name, std::string_view holder = "pid 1") const {
    return FileLock::acquire(temp_.path() / "backups", name, "backup of shop", holder);
  }
  fs::path file(std::string_view name) const {
    return temp_.path() / "backups" / lock_file_name(name);
  }
  const TempDir temp_;
};

TEST_F(FileLockTest, TellsWhoHoldsIt) {
  const FileLock held = take("shop", "pid 123 on host db1\x1b[31m since noon");
  try {
    take("shop", "me");
    FAIL() << "it was taken twice";
  } catch (const Locked& e) {
    EXPECT_STREQ(e.what(),
                 "backup of shop is already running: pid 123 on host db1\\x1b[31m since noon");
    EXPECT_FALSE(e.hint().empty());
  }
  EXPECT_NO_THROW(take("other"));
}

TEST_F(FileLockTest, IsFreeAgainAfterwards) {
  {
    const FileLock held = take("shop", "a much longer text that must not shine through");
  }
  EXPECT_EQ(read_file(file("shop")), "");
  const FileLock again = take("shop", "short");
  EXPECT_EQ(read_file(file("shop")), "short\n");
}

// While a lock is taken, or let go, its file is empty for an instant.
TEST_F(FileLockTest, AnEmptyNameIsLookedAtAgain) {
  const FileLock held = take("shop", "pid 7 on host db1");
  write_file(file("shop"), "");
  const std::jthread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    write_file(file("shop"), "pid 7 on host db1\n");
  });
  EXPECT_EQ(holder_of_lock(temp_.path() / "backups", "shop"), "pid 7 on host db1");
}

TEST_F(FileLockTest, WhoOnlyAsksKeepsNobodyFromTakingIt) {
  take("shop");
  Fd asking(::open(file("shop").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(asking.get(), LOCK_SH | LOCK_NB), 0);
  const std::jthread asker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    asking = Fd();
  });
  EXPECT_NO_THROW(take("shop"));
}

TEST_F(FileLockTest, IsHeldOnceByMove) {
  std::optional<FileLock> second;
  {
    FileLock first = take("shop");
    second.emplace(std::move(first));
  }
  EXPECT_THROW(take("shop"), Locked);
  second.reset();
  EXPECT_NO_THROW(take("shop"));
}

TEST_F(FileLockTest, GoesWithAKilledProcess) {
  Announcement taken;
  Forked holder([&] {
    const FileLock held = take("shop", "pid of the dead, a rather long text");
    taken.announce();
    ::pause();
    return 0;
  });
  taken.wait();
  EXPECT_THROW(take("shop"), Locked);
  holder.kill();
  EXPECT_EQ(holder.wait(), -SIGKILL);
  const FileLock mine = take("shop", "mine");
  EXPECT_EQ(read_file(file("shop")), "mine\n");
}

TEST_F(FileLockTest, IsFreeAgainEvenRightAfterAChildWasStarted) {
  std::optional<FileLock> held(take("shop"));
  const Child child = Child::start({.argv = {"sleep", "60"}, .env = child_environment({})});
  held.reset();
  EXPECT_NO_THROW(take("shop"));
}

TEST_F(FileLockTest, IsNotInheritedByChildrenThatOutliveAKilledProcess) {
  Announcement running;
  Forked holder([&] {
    const FileLock held = take("shop");
    Child child = Child::start({.argv = {"sh", "-c", "echo; exec sleep 10"},
                                .env = child_environment({}),
                                .pipe_out = true});
    std::array<char, 1> line{};
    child.read(line, Wait{});  // it has gone through its exec
    running.announce();
    ::pause();
    return 0;
  });
  running.wait();
  holder.kill();
  EXPECT_EQ(holder.wait(), -SIGKILL);
  EXPECT_NO_THROW(take("shop"));
}

TEST_F(FileLockTest, ExactlyOneOfManyProcessesTakesIt) {
  Announcement start;
  Announcement others_ended;
  constexpr int kProcesses = 32;
  std::vector<Forked> all;
  all.reserve(kProcesses);
  for (int i = 0; i < kProcesses; ++i) {
    all.emplace_back([&] {
      start.wait();
      try {
        const FileLock held = take("shop");
        others_ended.wait();
        return 0;
      } catch (const Locked&) {
        return 1;
      }
    });
  }
  start.announce();
  others_ended.announce();
  int wins = 0;
  for (Forked& one : all) wins += one.wait() == 0 ? 1 : 0;
  EXPECT_EQ(wins, 1);
}

TEST_F(FileLockTest, ItsFileIsPrivateWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const FileLock held = take("shop");
  ::umask(before);
  EXPECT_EQ(fs::status(file("shop")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(FileLockTest, FollowsNoPlantedLinks) {
  const fs::path victim = temp_.path() / "victim";
  write_file(victim, "precious");
  fs::create_directory(temp_.path() / "backups");
  fs::create_symlink(victim, file("soft"));
  fs::create_hard_link(victim, file("hard"));
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  fs::create_directory(file("folder"));
  for (const char* name : {"soft", "hard", "fifo", "folder"})
    EXPECT_THROW(take(name), Error) << name;
  EXPECT_EQ(read_file(victim), "precious");
}

TEST_F(FileLockTest, AnUnreadableHolderIsStillLocked) {
  const FileLock held = take("shop", "");
  try {
    take("shop");
    FAIL() << "it was taken twice";
  } catch (const Locked& e) {
    EXPECT_THAT(e.what(), HasSubstr("did not say"));
  }
}

TEST(LockFileName, IsPlainShortAndDistinct) {
  EXPECT_EQ(lock_file_name("shop"), ".lock-shop");
  EXPECT_EQ(lock_file_name("../a b%"), ".lock-..%2Fa%20b%25");
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) {
    const std::string name = lock_file_name(std::string(300, 'x') + std::to_string(i));
    EXPECT_LT(name.size(), 200U);
    names.insert(name);
  }
  EXPECT_LT(lock_file_name(std::string(63, '\xff')).size(), 200U);
  EXPECT_EQ(names.size(), 100U);
}

TEST(LockHolder, SaysWhoAndSinceWhen) {
  const Time since =
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::string text = lock_holder(since, "backup shop");
  EXPECT_THAT(text, HasSubstr("pid " + std::to_string(::getpid()) + " on host "));
  EXPECT_THAT(text, HasSubstr(" since " + local_time(since) + ", command backup shop"));
}

}  // namespace
}  // namespace pgstow::test
