#include "stream/pack.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/error.h"
#include "stream/gzip.h"
#include "stream/sha256.h"
#include "stream/testing.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

using testing::copy_text;
using testing::read_all;
using testing::StringSink;
using testing::StringSource;

std::string packed(std::string_view bytes, std::string_view compression, unsigned workers = 2,
                   std::size_t block_bytes = 100'000) {
  StringSink sink;
  Packer packer(sink, parse_compression(compression), workers, block_bytes);
  packer.write(bytes);
  packer.finish();
  EXPECT_TRUE(sink.finished());
  EXPECT_EQ(packer.bytes_in(), bytes.size());
  return sink.bytes();
}

TEST(Packer, WritesTheSameForAnyNumberOfWorkersAndAnyCutOfTheWrites) {
  const std::string bytes = copy_text(1'000'000);
  const std::string expected = packed(bytes, "gzip:2", 1);
  EXPECT_EQ(packed(bytes, "gzip:2", 0), expected);
  EXPECT_EQ(packed(bytes, "gzip:2", 7), expected);

  StringSink sink;
  Packer packer(sink, parse_compression("gzip:2"), 2, 100'000);
  for (std::size_t at = 0; at < bytes.size(); at += 333) packer.write(bytes.substr(at, 333));
  packer.finish();
  EXPECT_EQ(sink.bytes(), expected);
}

TEST(Packer, MakesOneMemberABlockAndAnEmptyOneAtTheEnd) {
  std::string file = packed(copy_text(250'000), "gzip:2");
  std::vector<std::size_t> sizes;
  while (!file.empty()) {
    const std::optional<MemberInfo> info = member_info(file);
    ASSERT_TRUE(info);
    sizes.push_back(info->raw_bytes);
    file.erase(0, info->compressed_bytes);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100'000, 100'000, 50'000, 0}));
}

// From the member that a mark names, its place is found without what is before.
TEST(Packer, MarksLeadToTheirPlaces) {
  const std::string bytes = copy_text(600'000);
  for (const char* how : {"gzip:1", "zstd:1"}) {
    SCOPED_TRACE(how);
    const Compression compression = parse_compression(how);
    StringSink sink;
    Packer packer(sink, compression, 3, 50'000);
    std::vector<std::uint64_t> places;
    for (std::size_t at = 0; at < bytes.size();) {
      places.push_back(at);
      packer.mark();
      const std::string piece = bytes.substr(at, 1 + at % 70'001);
      if (at % 3 == 0) {  // some as blocks of their own
        packer.write_block(piece);
      } else {
        packer.write(piece);
      }
      at += piece.size();
    }
    packer.finish();
    ASSERT_EQ(packer.marks().size(), places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Mark& mark = packer.marks()[i];
      EXPECT_EQ(mark.at, places[i]);
      StringSource source(sink.bytes().substr(mark.member_stored));
      const std::unique_ptr<Source> unpacked = open_unpacked(source, Decoder::kFast, 1);
      ASSERT_LE(mark.member_at, mark.at);
      EXPECT_LT(mark.at - mark.member_at, 70'001U);
      EXPECT_EQ(read_all(*unpacked).substr(mark.at - mark.member_at), bytes.substr(places[i]));
    }
  }
}

TEST(Packer, PutsAWholeBlockBehindWhatWasWrittenBefore) {
  for (const char* how : {"gzip:1", "zstd:1"}) {
    const Compression compression = parse_compression(how);
    StringSink sink;
    Packer packer(sink, compression, 2, 100'000);
    std::string all;
    for (std::uint64_t i = 0; i < 20; ++i) {
      const std::string written = copy_text(i * 30'000, i);
      const std::string other = copy_text(60'000, i + 100);  // as a block of its own
      packer.write(written);
      packer.write_block(other);
      all += written + other;
    }
    packer.finish();
    StringSource source(sink.bytes());
    EXPECT_EQ(read_all(*open_unpacked(source, Decoder::kIndependent, 2)), all);
    EXPECT_EQ(packer.bytes_in(), all.size());
    Sha256 hash;
    hash.update(all);
    EXPECT_EQ(packer.digest_in(), hash.finish());
  }
}

// Notes when it is written to, and by whom.
class Watch : public Sink {
 public:
  void write(std::string_view) override {
    ++writes;
    EXPECT_EQ(std::this_thread::get_id(), thread);
  }
  void finish() override {}

  std::size_t writes = 0;
  std::thread::id thread = std::this_thread::get_id();
};

TEST(Packer, HoldsOnlySoManyBlocksAndWritesInTheCallersThread) {
  constexpr unsigned kWorkers = 3;
  constexpr std::size_t kBlocks = 100;
  Watch watch;
  Packer packer(watch, parse_compression("gzip:1"), kWorkers, 1000);
  for (std::size_t i = 1; i <= kBlocks; ++i) {
    packer.write(copy_text(1000));
    EXPECT_LE(i - watch.writes, 2 * kWorkers + 2);
  }
  packer.finish();
  EXPECT_EQ(watch.writes, kBlocks + 1);
}

class FullDisk : public Sink {
 public:
  void write(std::string_view) override { throw Error("the disk is full"); }
  void finish() override { ADD_FAILURE() << "finished after a failed write"; }
};

TEST(Packer, PassesOnTheFailureOfTheSinkBelow) {
  FullDisk full;
  Packer packer(full, parse_compression("gzip:1"), 2, 1000);
  EXPECT_THROW(
      {
        packer.write(copy_text(100'000));
        packer.finish();
      },
      Error);
}

TEST(Packer, DroppedBeforeTheEndItFinishesNothing) {
  StringSink sink;
  {
    Packer packer(sink, parse_compression("gzip:9"), 2, 100'000);
    packer.write(copy_text(2'000'000));
  }
  EXPECT_FALSE(sink.finished());
}

}  // namespace
}  // namespace pgstow
