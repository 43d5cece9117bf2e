#include "stream/inflate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "base/error.h"
#include "stream/gzip.h"
#include "stream/testing.h"
#include "stream/testing_gzip.h"

namespace pgstow {
namespace {

using testing::copy_text;
using testing::noise;

constexpr Inflater kInflaters[] = {Inflater::kIsal, Inflater::kLibdeflate, Inflater::kZlib};

TEST(InflateMember, RefusesOtherSizesThanAnnounced) {
  const std::string block = copy_text(5000);
  const std::string member = gzip_member(block, 2);
  for (const Inflater inflater : kInflaters) {
    EXPECT_THROW(inflate_member(member, block.size() - 1, inflater), Corrupt);
    EXPECT_THROW(inflate_member(member, block.size() + 1, inflater), Corrupt);
    EXPECT_THROW(inflate_member(member, 0, inflater), Corrupt);
    EXPECT_THROW(inflate_member(member + '\0', block.size(), inflater), Corrupt);
    EXPECT_THROW(inflate_member(member + member, block.size(), inflater), Corrupt);
    EXPECT_THROW(inflate_member("", block.size(), inflater), Corrupt);
  }
}

TEST(InflateMember, ChecksCrcAndSize) {
  const std::string block = copy_text(5000);
  const std::string member = gzip_member(block, 2);
  for (const Inflater inflater : kInflaters) {
    for (std::size_t from_end = 1; from_end <= 8; ++from_end) {
      std::string changed = member;
      changed[changed.size() - from_end] =
          static_cast<char>(changed[changed.size() - from_end] ^ 1);
      EXPECT_THROW(inflate_member(changed, block.size(), inflater), Corrupt) << from_end;
    }
  }
}

// Streams a sequence of members through the decoders in pieces of random size.
std::string inflate_in_pieces(std::string_view packed, Inflater inflater,
                              const std::vector<std::uint8_t>& sizes) {
  std::string raw;
  std::string out;
  std::size_t round = 0;
  const auto size = [&] { return 1 + std::size_t{sizes[round++ % sizes.size()]}; };
  while (!packed.empty()) {
    const std::unique_ptr<StreamDecoder> decoder = open_inflate(inflater);
    for (bool finished = false; !finished;) {
      out.resize(size());
      const StreamDecoder::Step step = decoder->step(packed.substr(0, size()), out);
      RC_ASSERT(step.finished || step.consumed + step.produced > 0);
      packed.remove_prefix(step.consumed);
      raw.append(out, 0, step.produced);
      finished = step.finished;
    }
  }
  return raw;
}

TEST(OpenInflate, ReadsAnyHeaderOneByteAtATime) {
  const std::string bytes = copy_text(1000);
  const std::string packed = testing::gzip_by_zlib(bytes) + testing::gzip_by_zlib("") +
                             gzip_member("", 2) + testing::gzip_by_zlib(bytes, 0);
  for (const Inflater inflater : {Inflater::kIsal, Inflater::kZlib}) {
    EXPECT_EQ(inflate_in_pieces(packed, inflater, {0}), bytes + bytes);
    EXPECT_EQ(inflate_in_pieces(packed, inflater, {2, 0, 6, 30}), bytes + bytes);
  }
}

// ISA-L, libdeflate and zlib as writers against the three of them as readers: the permanent form of
// the differential test that found ISA-L 2.30 to be sound in the ways we use it.
RC_GTEST_PROP(Inflate, RandomMembersInRandomPiecesAreReadByBothStreams, ()) {
  const auto sizes = *rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<std::uint8_t>>());
  const int members = *rc::gen::inRange(1, 5);
  std::string packed;
  std::string raw;
  for (int i = 0; i < members; ++i) {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto length = *rc::gen::inRange<std::size_t>(0, 100'000);
    const std::string block = *rc::gen::element(
        copy_text(length, seed), noise(length / 10, seed), noise(3, seed) + copy_text(length, seed),
        *rc::gen::arbitrary<std::string>(), std::string(length, 'a'));
    const int level = *rc::gen::inRange(0, 16);
    const std::string member = level >= 1 && level <= 12 ? gzip_member(block, level)
                                                         : testing::gzip_by_zlib(block, level % 10);
    for (const Inflater inflater : kInflaters)
      RC_ASSERT(inflate_member(member, block.size(), inflater) == block);
    packed += member;
    raw += block;
  }
  RC_ASSERT(inflate_in_pieces(packed, Inflater::kIsal, sizes) == raw);
  RC_ASSERT(inflate_in_pieces(packed, Inflater::kZlib, sizes) == raw);
}

}  // namespace
}  // namespace pgstow
