// The contract of store.h as tests: a store is done when it passes them.
//
// A suite for a store is one line, INSTANTIATE_TYPED_TEST_SUITE_P(Local, StoreContract,
// LocalPlace), for a default-constructible Place, an empty place where objects can lie, with
//   std::unique_ptr<Store> connect();   // one more view of that place, as another process has it
// and, where the place has no way to tell creators of one key who came first (a server without
// conditional writes), so that the last one stays and nobody is told,
//   static constexpr bool kSettlesRaces = false;
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "store/store.h"

namespace pgstow::test {

inline std::string read_to_end(Source& source) {
  std::string all;
  std::array<char, 100'000> buffer{};
  while (const std::size_t n = source.read(buffer)) all.append(buffer.data(), n);
  return all;
}

inline std::string read_object(Store& store, std::string_view key, Range range = {}) {
  return read_to_end(*store.open(key, range));
}

inline void put(Store& store, std::string_view key, std::string_view bytes,
                Existing existing = Existing::kRefuse) {
  const auto sink = store.create(key, existing);
  sink->write(bytes);
  sink->finish();
}

inline std::vector<std::string> keys(Store& store, std::string_view prefix = {}) {
  std::vector<std::string> all;
  for (const Object& object : store.list(prefix)) all.push_back(object.key);
  return all;
}

// Bytes that do not compress, differ at every place, and are the same in every run.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937_64 engine(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(engine());
  return bytes;
}

template <typename Place>
constexpr bool settles_races() {
  if constexpr (requires { Place::kSettlesRaces; }) return Place::kSettlesRaces;
  return true;
}

template <typename Place>
class StoreContract : public ::testing::Test {
 protected:
  Place place_;
  std::unique_ptr<Store> store_ = place_.connect();
  std::unique_ptr<Store> other_ = place_.connect();
};
TYPED_TEST_SUITE_P(StoreContract);

TYPED_TEST_P(StoreContract, KeepsWhatWasWritten) {
  const auto sink = this->store_->create("shop.dump.gz", Existing::kRefuse);
  sink->write("one ");
  sink->write("");
  sink->write("two");
  sink->finish();
  EXPECT_EQ(read_object(*this->other_, "shop.dump.gz"), "one two");
  const std::vector<Object> objects = this->other_->list();
  ASSERT_EQ(objects.size(), 1U);
  EXPECT_EQ(objects[0].key, "shop.dump.gz");
  EXPECT_EQ(objects[0].size_bytes, 7U);
  const Time now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  EXPECT_LT(std::chrono::abs(now - objects[0].modified), std::chrono::hours(1));
  EXPECT_NE(this->store_->location("shop.dump.gz").find("shop.dump.gz"), std::string::npos);
}

TYPED_TEST_P(StoreContract, KeepsAnEmptyObject) {
  this->store_->create("empty", Existing::kRefuse)->finish();
  EXPECT_EQ(read_object(*this->other_, "empty"), "");
  ASSERT_EQ(this->other_->list().size(), 1U);
  EXPECT_EQ(this->other_->list()[0].size_bytes, 0U);
}

TYPED_TEST_P(StoreContract, KeepsTwentyMegabytesWrittenInOddPieces) {
  const std::string bytes = noise(20'000'003);
  const auto sink = this->store_->create("big", Existing::kRefuse);
  for (std::size_t at = 0; at < bytes.size(); at += 399'989) {
    sink->write(std::string_view(bytes).substr(at, 399'989));
  }
  sink->finish();
  EXPECT_TRUE(read_object(*this->other_, "big") == bytes);
  EXPECT_TRUE(read_object(*this->other_, "big", {.offset = 19'999'999, .length = {}}) ==
              bytes.substr(19'999'999));
}

TYPED_TEST_P(StoreContract, KeepsOneLargeWrite) {
  const std::string bytes = noise(20'000'000, 2);
  put(*this->store_, "big", bytes);
  EXPECT_TRUE(read_object(*this->other_, "big") == bytes);
}

TYPED_TEST_P(StoreContract, ReadsRanges) {
  put(*this->store_, "digits", "0123456789");
  const auto range = [&](std::uint64_t offset, std::optional<std::uint64_t> length) {
    return read_object(*this->other_, "digits", {.offset = offset, .length = length});
  };
  EXPECT_EQ(range(0, 1), "0");
  EXPECT_EQ(range(3, 4), "3456");
  EXPECT_EQ(range(3, 0), "");
  EXPECT_EQ(range(9, 1), "9");
  EXPECT_EQ(range(3, std::nullopt), "3456789");
  EXPECT_EQ(range(10, std::nullopt), "");
  EXPECT_EQ(range(10, 0), "");
}

TYPED_TEST_P(StoreContract, RefusesRangesPastTheEnd) {
  put(*this->store_, "digits", "0123456789");
  EXPECT_THROW(read_object(*this->other_, "digits", {.offset = 11, .length = {}}), Corrupt);
  EXPECT_THROW(read_object(*this->other_, "digits", {.offset = 11, .length = 0}), Corrupt);
  EXPECT_THROW(read_object(*this->other_, "digits", {.offset = 9, .length = 2}), Corrupt);
  EXPECT_THROW(read_object(*this->other_, "digits", {.offset = 0, .length = UINT64_MAX}), Corrupt);
  EXPECT_THROW(read_object(*this->other_, "digits", {.offset = UINT64_MAX, .length = 1}), Corrupt);
}

TYPED_TEST_P(StoreContract, SourceStaysAtItsEnd) {
  put(*this->store_, "digits", "0123456789");
  const auto source = this->other_->open("digits");
  EXPECT_EQ(read_to_end(*source), "0123456789");
  std::array<char, 10> buffer{};
  EXPECT_EQ(source->read(buffer), 0U);
  EXPECT_EQ(source->read(buffer), 0U);
}

TYPED_TEST_P(StoreContract, ListsInOrderAndByPrefix) {
  for (const char* key : {"b", "app-staging_1", "app_2", "app_1", "B", "app"}) {
    put(*this->store_, key, key);
  }
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys(*this->other_), (Keys{"B", "app", "app-staging_1", "app_1", "app_2", "b"}));
  EXPECT_EQ(keys(*this->other_, "app_"), (Keys{"app_1", "app_2"}));
  EXPECT_EQ(keys(*this->other_, "none"), Keys{});
}

TYPED_TEST_P(StoreContract, MissingIsNotFoundAndAnEmptyPlaceIsEmpty) {
  EXPECT_EQ(keys(*this->store_), std::vector<std::string>{});
  EXPECT_THROW(this->store_->open("nothing"), NotFound);
  EXPECT_NO_THROW(this->store_->remove("nothing"));
  EXPECT_EQ(this->store_->clear_leftovers(), 0);
  put(*this->store_, "something", "x");
  EXPECT_THROW(this->store_->open("nothing"), NotFound);
  EXPECT_NO_THROW(this->store_->remove("nothing"));
}

TYPED_TEST_P(StoreContract, IsInvisibleBeforeFinish) {
  const auto sink = this->store_->create("shop", Existing::kRefuse);
  sink->write(noise(10'000'000));
  EXPECT_EQ(keys(*this->other_), std::vector<std::string>{});
  EXPECT_THROW(this->other_->open("shop"), NotFound);
  sink->finish();
  EXPECT_EQ(keys(*this->other_), std::vector<std::string>{"shop"});
}

TYPED_TEST_P(StoreContract, DroppedLeavesNothing) {
  {
    const auto sink = this->store_->create("shop", Existing::kRefuse);
    sink->write(noise(10'000'000));
  }
  EXPECT_EQ(keys(*this->other_), std::vector<std::string>{});
  EXPECT_EQ(this->other_->clear_leftovers(), 0);
  put(*this->other_, "shop", "next");
  EXPECT_EQ(read_object(*this->store_, "shop"), "next");
}

TYPED_TEST_P(StoreContract, FinishedTakesNoMore) {
  const auto sink = this->store_->create("shop", Existing::kRefuse);
  sink->write("first");
  sink->finish();
  EXPECT_THROW(sink->write("more"), Error);
  EXPECT_THROW(sink->finish(), Error);
  EXPECT_EQ(read_object(*this->other_, "shop"), "first");
}

TYPED_TEST_P(StoreContract, RefusesWhatExists) {
  put(*this->store_, "shop", "first");
  EXPECT_THROW(put(*this->other_, "shop", "second"), Exists);
  EXPECT_EQ(read_object(*this->store_, "shop"), "first");
  EXPECT_EQ(keys(*this->store_), std::vector<std::string>{"shop"});
  EXPECT_EQ(this->store_->clear_leftovers(), 0);
}

TYPED_TEST_P(StoreContract, RefusesWhatCameToExistMeanwhile) {
  const auto late = this->store_->create("shop", Existing::kRefuse);
  late->write("late");
  put(*this->other_, "shop", "early", Existing::kReplace);
  EXPECT_THROW(late->finish(), Exists);
  EXPECT_EQ(read_object(*this->other_, "shop"), "early");
}

TYPED_TEST_P(StoreContract, ReplacesOnlyAtFinish) {
  put(*this->store_, "state", "old");
  {
    const auto dropped = this->store_->create("state", Existing::kReplace);
    dropped->write("dropped");
  }
  const auto sink = this->store_->create("state", Existing::kReplace);
  sink->write("new");
  EXPECT_EQ(read_object(*this->other_, "state"), "old");
  sink->finish();
  EXPECT_EQ(read_object(*this->other_, "state"), "new");
  put(*this->store_, "fresh", "made", Existing::kReplace);
  EXPECT_EQ(read_object(*this->other_, "fresh"), "made");
}

TYPED_TEST_P(StoreContract, TwoMayReplaceAtOnceAndTheLastStays) {
  const auto first = this->store_->create("state", Existing::kReplace);
  const auto second = this->other_->create("state", Existing::kReplace);
  first->write("first");
  second->write("second");
  second->finish();
  first->finish();
  EXPECT_EQ(read_object(*this->other_, "state"), "first");
  EXPECT_EQ(keys(*this->other_), std::vector<std::string>{"state"});
}

TYPED_TEST_P(StoreContract, Removes) {
  put(*this->store_, "app", "1");
  put(*this->store_, "app-staging", "2");
  this->other_->remove("app");
  EXPECT_EQ(keys(*this->store_), std::vector<std::string>{"app-staging"});
  EXPECT_THROW(this->store_->open("app"), NotFound);
  put(*this->store_, "app", "again");
  EXPECT_EQ(read_object(*this->other_, "app"), "again");
}

TYPED_TEST_P(StoreContract, RefusesKeysThatAreNoPlainNames) {
  using namespace std::string_view_literals;
  for (const std::string_view key :
       {""sv, "."sv, ".."sv, "../x"sv, "a/b"sv, "/etc/passwd"sv, ".hidden"sv, "a/"sv, "nul\0l"sv}) {
    SCOPED_TRACE(std::string(key));
    EXPECT_THROW(this->store_->create(key, Existing::kRefuse), Error);
    EXPECT_THROW(this->store_->create(key, Existing::kReplace), Error);
    EXPECT_THROW(this->store_->open(key), Error);
    EXPECT_THROW(this->store_->remove(key), Error);
  }
  EXPECT_EQ(keys(*this->other_), std::vector<std::string>{});
}

TYPED_TEST_P(StoreContract, KeepsOddNamesAsTheyAre) {
  std::vector<std::string> odd{"--help",      "a b",      "a%2Fb",   "ä.dump",
                               "back\\slash", "quote'\"", "x+y&z=?#"};
  for (const std::string& key : odd) put(*this->store_, key, key);
  std::ranges::sort(odd);
  EXPECT_EQ(keys(*this->other_), odd);
  for (const std::string& key : odd) EXPECT_EQ(read_object(*this->other_, key), key);
  for (const std::string& key : odd) this->store_->remove(key);
  EXPECT_EQ(keys(*this->other_), std::vector<std::string>{});
}

TYPED_TEST_P(StoreContract, OfManyCreatorsOfOneKeyExactlyOneWins) {
  constexpr int kCreators = 8;
  for (int round = 0; round < 10; ++round) {
    const std::string key = "shop" + std::to_string(round);
    std::array<bool, kCreators> won{};  // each thread its own
    std::atomic<int> refused{0};
    std::latch start(kCreators);
    {
      std::vector<std::jthread> creators;
      creators.reserve(kCreators);
      for (std::size_t i = 0; i < kCreators; ++i) {
        creators.emplace_back([&, i] {
          start.arrive_and_wait();
          try {
            put(*(i % 2 == 0 ? this->store_ : this->other_), key, std::to_string(i));
            won[i] = true;
          } catch (const Exists&) {
            ++refused;
          } catch (const std::exception& e) {
            ADD_FAILURE() << e.what();
          }
        });
      }
    }
    const auto wins = std::ranges::count(won, true);
    EXPECT_GE(wins, 1);
    EXPECT_EQ(wins + refused, kCreators);
    if (settles_races<TypeParam>()) {
      EXPECT_EQ(wins, 1);
    }
    EXPECT_TRUE(won.at(std::stoul(read_object(*this->other_, key))));
  }
  EXPECT_EQ(this->store_->clear_leftovers(), 0);
}

TYPED_TEST_P(StoreContract, ClearingSparesLivingWork) {
  const auto fresh = this->store_->create("fresh", Existing::kRefuse);
  const auto replacing = this->store_->create("state", Existing::kReplace);
  fresh->write("fresh");
  replacing->write("state");
  EXPECT_EQ(this->store_->clear_leftovers(), 0);
  fresh->finish();
  replacing->finish();
  EXPECT_EQ(read_object(*this->other_, "fresh"), "fresh");
  EXPECT_EQ(read_object(*this->other_, "state"), "state");
}

REGISTER_TYPED_TEST_SUITE_P(StoreContract, KeepsWhatWasWritten, KeepsAnEmptyObject,
                            KeepsTwentyMegabytesWrittenInOddPieces, KeepsOneLargeWrite, ReadsRanges,
                            RefusesRangesPastTheEnd, SourceStaysAtItsEnd, ListsInOrderAndByPrefix,
                            MissingIsNotFoundAndAnEmptyPlaceIsEmpty, IsInvisibleBeforeFinish,
                            DroppedLeavesNothing, FinishedTakesNoMore, RefusesWhatExists,
                            RefusesWhatCameToExistMeanwhile, ReplacesOnlyAtFinish,
                            TwoMayReplaceAtOnceAndTheLastStays, Removes,
                            RefusesKeysThatAreNoPlainNames, KeepsOddNamesAsTheyAre,
                            OfManyCreatorsOfOneKeyExactlyOneWins, ClearingSparesLivingWork);

}  // namespace pgstow::test
