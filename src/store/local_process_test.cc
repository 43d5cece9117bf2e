// LocalStore among processes: killed, limited, unprivileged, and many at once.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "harness/forked.h"
#include "harness/program.h"
#include "harness/store_contract.h"
#include "store/local.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

constexpr uid_t kNobody = 65534;

std::size_t files_in(const fs::path& folder) {
  const fs::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class LocalProcesses : public ::testing::Test {
 protected:
  const TempDir temp_;
  const fs::path folder_ = temp_.path() / "backups";
  LocalStore store_{folder_};
};

class LocalProcessesKilled : public LocalProcesses,
                             public ::testing::WithParamInterface<Existing> {};

TEST_P(LocalProcessesKilled, WriterLeavesAPartThatTheNextRunClears) {
  Announcement writing;
  Forked writer([&] {
    const auto sink = store_.create("shop", GetParam());
    sink->write(noise(500'000));
    writing.announce();
    ::pause();
    return 0;
  });
  writing.wait();
  EXPECT_EQ(store_.clear_leftovers(), 0) << "it lives";
  if (GetParam() == Existing::kRefuse) {
    EXPECT_THROW(store_.create("shop", Existing::kRefuse), Exists);
  }
  EXPECT_EQ(files_in(folder_), 1U);
  writer.kill();
  EXPECT_EQ(writer.wait(), -SIGKILL);
  EXPECT_EQ(keys(store_), Keys{});
  EXPECT_EQ(store_.clear_leftovers(), 1);
  EXPECT_EQ(files_in(folder_), 0U);
}

INSTANTIATE_TEST_SUITE_P(Both, LocalProcessesKilled,
                         ::testing::Values(Existing::kRefuse, Existing::kReplace));

TEST_F(LocalProcesses, CreateNeedsNoClearingFirst) {
  EXPECT_EQ(Forked([&] {
              auto* abandoned = store_.create("shop", Existing::kRefuse).release();
              abandoned->write("half");
              return 0;  // ends without any destructor
            }).wait(),
            0);
  EXPECT_EQ(files_in(folder_), 1U);
  put(store_, "shop", "whole");
  EXPECT_EQ(read_object(store_, "shop"), "whole");
  EXPECT_EQ(files_in(folder_), 1U);
}

// A round: many processes make the same key at the same moment while others clear up all the time.
void race(const fs::path& folder, const std::string& key) {
  constexpr int kWriters = 32;
  constexpr int kClearers = 2;
  Announcement start;
  Announcement written;
  std::vector<Forked> writers;
  std::vector<Forked> clearers;
  writers.reserve(kWriters);
  clearers.reserve(kClearers);
  for (int i = 0; i < kClearers; ++i) {
    clearers.emplace_back([&] {
      LocalStore store(folder);
      Announcement over = std::move(written);
      over.announce();  // our own copy
      start.wait();
      while (!over.made()) store.clear_leftovers();
      return 0;
    });
  }
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      LocalStore store(folder);
      start.wait();
      try {
        put(store, key, key + std::to_string(i));
        return 0;
      } catch (const Exists&) {
        return 1;
      }
    });
  }
  start.announce();
  written.announce();
  int wins = 0;
  int winner = -1;
  for (int i = 0; i < kWriters; ++i) {
    const int result = writers[static_cast<std::size_t>(i)].wait();
    EXPECT_TRUE(result == 0 || result == 1) << result;
    if (result == 0) {
      ++wins;
      winner = i;
    }
  }
  for (Forked& clearer : clearers) EXPECT_EQ(clearer.wait(), 0);
  EXPECT_EQ(wins, 1);
  LocalStore store(folder);
  EXPECT_EQ(read_object(store, key), key + std::to_string(winner));
}

TEST_F(LocalProcesses, OfThirtyTwoAtOnceExactlyOneMakesIt) {
  put(store_, "earlier", "kept");
  for (int round = 0; round < 10; ++round) race(folder_, "shop" + std::to_string(round) + "_");
  EXPECT_EQ(files_in(folder_), 11U);
  EXPECT_EQ(store_.clear_leftovers(), 0);
}

// Writes under a limit of the file size, as a full disk would; 0 when all was as it must be.
int write_limited(LocalStore& store, rlim_t limit, const std::string& bytes) {
  static_cast<void>(::signal(SIGXFSZ, SIG_IGN));  // as main does
  const rlimit sizes{.rlim_cur = limit, .rlim_max = limit};
  if (::setrlimit(RLIMIT_FSIZE, &sizes) != 0) return 2;
  try {
    put(store, "shop", bytes);
  } catch (const Error& e) {
    return std::string(e.what()).find("File too large") != std::string::npos ? 0 : 3;
  }
  return 4;
}

TEST_F(LocalProcesses, AFileSizeLimitFailsAndLeavesNothing) {
  const std::string bytes = noise(1'000'000);
  put(store_, "earlier", "kept");
  for (const rlim_t limit : {0UL, 1UL, 4'095UL, 65'536UL, 500'001UL, 999'999UL}) {
    EXPECT_EQ(Forked([&] { return write_limited(store_, limit, bytes); }).wait(), 0) << limit;
    EXPECT_EQ(files_in(folder_), 1U) << limit;
    EXPECT_EQ(read_object(store_, "earlier"), "kept");
  }
  put(store_, "shop", bytes);
}

// What creating says to a user without the right to write there; empty when it is allowed.
std::string refusal(LocalStore& store) {
  try {
    put(store, "shop", "x");
  } catch (const Error& e) {
    return std::string(e.what()) + "; hint: " + e.hint();
  }
  return {};
}

TEST_F(LocalProcesses, AFolderWithoutWritePermissionIsAnErrorWithAHint) {
  put(store_, "earlier", "kept");
  ASSERT_EQ(::chmod(temp_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0555), 0);
  const int result = Forked([&] {
                       // Permissions do not bind root.
                       if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 2;
                       const std::string text = refusal(store_);
                       std::fprintf(stderr, "%s\n", text.c_str());
                       const bool good = text.find("Permission denied") != std::string::npos &&
                                         text.find("owner and mode") != std::string::npos;
                       return good && keys(store_) == Keys{"earlier"} ? 0 : 1;
                     }).wait();
  EXPECT_EQ(result, 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  EXPECT_EQ(files_in(folder_), 1U);
}

}  // namespace
}  // namespace pgstow::test
