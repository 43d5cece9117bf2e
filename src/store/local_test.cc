// What LocalStore promises beyond the contract: modes, planted files, foreign files, its warnings.
#include "store/local.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/program.h"
#include "harness/store_contract.h"
#include "store/part.h"

namespace pgstow::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

constexpr uid_t kNobody = 65534;

mode_t mode_of(const fs::path& path) {
  struct stat info{};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

Keys names_in(const fs::path& folder) {
  Keys names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

class LocalStoreTest : public ::testing::Test {
 protected:
  const TempDir temp_;
  const fs::path folder_ = temp_.path() / "backups";
  LocalStore store_{folder_};
};

TEST_F(LocalStoreTest, FoldersInItAreNamedButHiddenOnesAndLinks) {
  EXPECT_TRUE(store_.folders().empty());
  for (const char* name : {"shop", "b%C3%BC", ".pgstow"}) fs::create_directories(folder_ / name);
  fs::create_directory_symlink(temp_.path(), folder_ / "link");
  put(store_, "file", "x");
  EXPECT_EQ(store_.folders(), (Keys{"b%C3%BC", "shop"}));
}

TEST_F(LocalStoreTest, OneBelowAFolderThatHasToBeThereMakesOnlyItself) {
  LocalStore below(folder_ / "shop", "local:usb", LocalStore::Missing::kMakeBelow);
  EXPECT_THROW(put(below, "a", "x"), NotFound);
  EXPECT_FALSE(fs::exists(folder_));
  fs::create_directory(folder_);
  put(below, "a", "x");
  EXPECT_EQ(names_in(folder_ / "shop"), Keys{"a"});
}

class LocalStoreUmask : public LocalStoreTest, public ::testing::WithParamInterface<mode_t> {};

TEST_P(LocalStoreUmask, ModesAreThePrivateOnes) {
  const mode_t before = ::umask(GetParam());
  LocalStore deep(folder_ / "a" / "b");
  const auto sink = deep.create("shop", Existing::kRefuse);
  EXPECT_EQ(mode_of(folder_ / "a" / "b" / ".shop.part"), 0600U);
  sink->finish();
  put(deep, "state", "x", Existing::kReplace);
  ::umask(before);
  for (const char* made : {"", "a", "a/b"}) EXPECT_EQ(mode_of(folder_ / made), 0700U) << made;
  EXPECT_EQ(mode_of(folder_ / "a" / "b" / "shop"), 0600U);
  EXPECT_EQ(mode_of(folder_ / "a" / "b" / "state"), 0600U);
}

INSTANTIATE_TEST_SUITE_P(Umasks, LocalStoreUmask, ::testing::Values(0, 022, 077, 0277));

TEST_F(LocalStoreTest, AFolderThatExistsIsKeptAsItIs) {
  fs::create_directory(folder_);
  ::chmod(folder_.c_str(), 0755);
  put(store_, "shop", "x");
  EXPECT_EQ(mode_of(folder_), 0755U);
}

TEST_F(LocalStoreTest, ReadingMakesNoFolder) {
  store_.list();
  store_.clear_leftovers();
  store_.remove("x");
  store_.space();
  EXPECT_THROW(store_.open("x"), NotFound);
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(LocalStoreTest, AFolderThatIsNoneIsAConfigError) {
  write_file(folder_, "a file");
  EXPECT_THROW(store_.create("shop", Existing::kRefuse), ConfigError);
  EXPECT_THROW(store_.list(), ConfigError);
  LocalStore below(folder_ / "below");
  try {
    below.create("shop", Existing::kRefuse);
    FAIL() << "made below a file";
  } catch (const ConfigError& e) {
    EXPECT_FALSE(e.hint().empty());
  }
  EXPECT_THROW(LocalStore(""), ConfigError);
  EXPECT_EQ(read_file(folder_), "a file");
}

TEST_F(LocalStoreTest, ATrailingSlashChangesNothing) {
  LocalStore slash(folder_ / "");
  put(slash, "shop", "x");
  EXPECT_EQ(slash.location("shop"), (folder_ / "shop").native());
  EXPECT_EQ(read_object(store_, "shop"), "x");
}

TEST_F(LocalStoreTest, OurOwnLinkToAFolderIsFollowedSomebodyElsesIsNot) {
  const fs::path real = temp_.path() / "disk2";
  fs::create_directory(real);
  fs::create_directory_symlink(real, folder_);
  put(store_, "shop", "x");
  EXPECT_EQ(names_in(real), Keys{"shop"});
  ASSERT_EQ(::lchown(folder_.c_str(), kNobody, kNobody), 0) << "this case needs root";
  EXPECT_THROW(store_.list(), ConfigError);
  EXPECT_THROW(store_.create("more", Existing::kRefuse), ConfigError);
  EXPECT_EQ(names_in(real), Keys{"shop"});
}

TEST_F(LocalStoreTest, FollowsNoPlantedLinkInAnObjectsPlace) {
  const fs::path outside = temp_.path() / "outside";
  write_file(outside, "precious");
  fs::create_directory(folder_);
  fs::create_symlink(outside, folder_ / "shop");
  EXPECT_THROW(store_.create("shop", Existing::kRefuse), Exists);
  EXPECT_THROW(store_.open("shop"), Error);
  EXPECT_EQ(keys(store_), Keys{});
  put(store_, "shop", "new", Existing::kReplace);
  EXPECT_FALSE(fs::is_symlink(folder_ / "shop"));
  EXPECT_EQ(read_object(store_, "shop"), "new");

  fs::create_symlink(outside, folder_ / "gone");
  store_.remove("gone");
  fs::create_symlink(temp_.path() / "not there", folder_ / "dangling");
  EXPECT_THROW(store_.create("dangling", Existing::kRefuse), Exists);
  EXPECT_FALSE(fs::exists(temp_.path() / "not there"));
  EXPECT_EQ(read_file(outside), "precious");
}

TEST_F(LocalStoreTest, FollowsNoPlantedLinkInAPartsPlace) {
  const fs::path outside = temp_.path() / "outside";
  write_file(outside, "precious");
  fs::create_directory(folder_);
  for (const fs::path& target : {outside, temp_.path() / "not there", temp_.path()}) {
    fs::create_symlink(target, folder_ / ".shop.part");
    try {
      store_.create("shop", Existing::kRefuse);
      FAIL() << "written through a link";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr(".shop.part"));
    }
    EXPECT_EQ(store_.clear_leftovers(), 0);
    fs::remove(folder_ / ".shop.part");
  }
  EXPECT_EQ(read_file(outside), "precious");
  EXPECT_FALSE(fs::exists(temp_.path() / "not there"));
}

TEST_F(LocalStoreTest, WhatIsNoRegularFileIsNoObjectAndBlocksNobody) {
  fs::create_directories(folder_ / "folder" / "inside");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder_ / ".shop.part").c_str(), 0600), 0);
  EXPECT_EQ(keys(store_), Keys{});
  for (const char* key : {"folder", "fifo"}) {
    EXPECT_THROW(store_.open(key), Error) << key;
    EXPECT_THROW(store_.create(key, Existing::kRefuse), Exists) << key;
  }
  EXPECT_THROW(store_.remove("folder"), Error);
  EXPECT_THROW(put(store_, "folder", "x", Existing::kReplace), Error);
  EXPECT_THROW(store_.create("shop", Existing::kRefuse), Error);
  EXPECT_EQ(store_.clear_leftovers(), 0);
  EXPECT_EQ(names_in(folder_), (Keys{".shop.part", "fifo", "folder"}));
}

TEST_F(LocalStoreTest, ClearsOnlyOurOwnDeadParts) {
  fs::create_directory(folder_);
  write_file(folder_ / ".shop.part", "dead");
  write_file(folder_ / ".state.0123456789abcdef.part", "dead");
  write_file(folder_ / ".nobodys.part", "not ours");
  ASSERT_EQ(::chown((folder_ / ".nobodys.part").c_str(), kNobody, kNobody), 0) << "needs root";
  const Keys spared{".hidden", ".lock-shop", ".nobodys.part", ".part", "..part", "shop.part"};
  for (const std::string& name : spared) {
    if (name != ".nobodys.part") write_file(folder_ / name, "foreign");
  }
  EXPECT_EQ(store_.clear_leftovers(), 2);
  Keys expected = spared;
  std::ranges::sort(expected);
  EXPECT_EQ(names_in(folder_), expected);
}

TEST_F(LocalStoreTest, TakesTheLongestKeyAndRefusesALongerOne) {
  const std::string longest(kMaxKeyBytes, 'k');
  put(store_, longest, "x");
  put(store_, longest, "y", Existing::kReplace);
  EXPECT_EQ(keys(store_), Keys{longest});
  EXPECT_EQ(read_object(store_, longest), "y");
  EXPECT_THROW(store_.create(longest + "k", Existing::kRefuse), Error);
}

TEST_F(LocalStoreTest, KeepsAnObjectThatIsWrittenBackMeanwhile) {
  const std::string piece = noise(1'000'003);
  constexpr int kPieces = 150;  // more than two steps of write-back
  const auto sink = store_.create("big", Existing::kRefuse);
  for (int i = 0; i < kPieces; ++i) sink->write(piece);
  sink->finish();
  ASSERT_EQ(store_.list().at(0).size_bytes, kPieces * piece.size());
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    const Range range{.offset = i * piece.size(), .length = piece.size()};
    ASSERT_TRUE(read_object(store_, "big", range) == piece) << i;
  }
}

TEST_F(LocalStoreTest, AnObjectThatShrinksOrGrowsWhileItIsReadIsToBeReadAgain) {
  const std::string bytes = noise(300'000);
  std::vector<char> buffer(100'000);
  for (const std::uintmax_t size : {0U, 150'000U, 299'999U, 300'001U}) {
    put(store_, "shop", bytes, Existing::kReplace);
    const auto source = store_.open("shop");
    EXPECT_GT(source->read(buffer), 0U);
    fs::resize_file(folder_ / "shop", size);
    EXPECT_THROW(read_to_end(*source), Transient) << size;
  }
}

TEST_F(LocalStoreTest, AnObjectReplacedWhileReadIsReadAsItWas) {
  const std::string bytes = noise(300'000);
  put(store_, "shop", bytes);
  const auto source = store_.open("shop");
  put(store_, "shop", "new", Existing::kReplace);
  store_.remove("shop");
  EXPECT_TRUE(read_to_end(*source) == bytes);
}

TEST_F(LocalStoreTest, APartThatWasRemovedIsNeverPublished) {
  const auto sink = store_.create("shop", Existing::kRefuse);
  sink->write("bytes");
  fs::remove(folder_ / ".shop.part");
  const auto other = store_.create("shop", Existing::kRefuse);  // somebody else, by the same name
  other->write("other");
  EXPECT_THROW(sink->finish(), Error);
  other->finish();
  EXPECT_EQ(read_object(store_, "shop"), "other");
}

TEST_F(LocalStoreTest, WarnsWhenOthersMayWrite) {
  fs::create_directory(folder_);
  const auto warned = [&](mode_t parent, mode_t own) {
    ::chmod(temp_.path().c_str(), parent);
    ::chmod(folder_.c_str(), own);
    return store_.permission_warning().has_value();
  };
  EXPECT_FALSE(warned(0700, 0700));
  EXPECT_FALSE(warned(0755, 0755));
  EXPECT_TRUE(warned(0700, 0770));
  EXPECT_TRUE(warned(0700, 0702));
  EXPECT_TRUE(warned(0777, 0700));
  EXPECT_FALSE(warned(01777, 0700)) << "sticky, as /tmp is";
  EXPECT_TRUE(warned(01777, 01777));
  ::chmod(temp_.path().c_str(), 0777);
  fs::remove(folder_);
  EXPECT_TRUE(store_.permission_warning().has_value()) << "not made yet";
}

TEST_F(LocalStoreTest, TellsItsSpaceBeforeAndAfterTheFolderIsMade) {
  const SpaceInfo before = store_.space();
  put(store_, "shop", "x");
  const SpaceInfo after = store_.space();
  const fs::space_info system = fs::space(temp_.path());
  EXPECT_EQ(before.total_bytes, system.capacity);
  EXPECT_EQ(after.total_bytes, system.capacity);
  EXPECT_GT(after.free_bytes, 0U);
  EXPECT_LE(after.free_bytes, after.total_bytes);
}

TEST_F(LocalStoreTest, KnowsWhenAnObjectWasMade) {
  put(store_, "shop", "x");
  const auto moment = Time(std::chrono::milliseconds(1'700'000'000'123));
  const timespec time{.tv_sec = 1'700'000'000, .tv_nsec = 123'999'999};
  const timespec both[2] = {time, time};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / "shop").c_str(), both, 0), 0);
  EXPECT_EQ(store_.list().at(0).modified, moment);
}

}  // namespace
}  // namespace pgstow::test
