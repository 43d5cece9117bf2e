#include "stream/gzip.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "stream/inflate.h"
#include "stream/little_endian.h"
#include "stream/testing.h"

namespace pgstow {
namespace {

using testing::copy_text;
using testing::noise;
using Encoder = MemberInfo::Encoder;

constexpr Inflater kInflaters[] = {Inflater::kIsal, Inflater::kLibdeflate, Inflater::kZlib};

std::vector<std::string> blocks() {
  return {"",
          "x",
          "hello, hello, hello",
          copy_text(100'000),
          noise(100'000),
          std::string(1'000'000, ' '),
          noise(1 << 20) + copy_text(300'000)};
}

TEST(GzipMember, EveryLevelIsReadByEveryLibrary) {
  for (const std::string& block : blocks()) {
    for (int level = 1; level <= 12; ++level) {
      const std::string member = gzip_member(block, level);
      for (const Inflater inflater : kInflaters)
        EXPECT_EQ(inflate_member(member, block.size(), inflater), block) << level;
    }
  }
}

TEST(GzipMember, TheLargestBlockOfNoiseFits) {
  const std::string block = noise(kMaxBlockBytes);
  for (const int level : {1, 3, 4}) {
    const std::string member = gzip_member(block, level);
    EXPECT_LT(member.size(), block.size() + block.size() / 100);
    ASSERT_TRUE(member_info(member));
    EXPECT_EQ(inflate_member(member, block.size(), Inflater::kZlib), block);
  }
}

TEST(GzipMember, AnnouncesItself) {
  for (const std::string& block : blocks()) {
    for (const int level : {1, 2, 3, 4, 6, 12}) {
      const std::string member = gzip_member(block, level);
      const std::optional<MemberInfo> info = member_info(member);
      ASSERT_TRUE(info);
      EXPECT_EQ(info->compressed_bytes, member.size());
      EXPECT_EQ(info->raw_bytes, block.size());
      EXPECT_EQ(info->encoder, level <= 3 ? Encoder::kIsal : Encoder::kLibdeflate);
    }
  }
}

TEST(GzipMember, HigherLevelsDoNotGetWorse) {
  const std::string block = copy_text(1 << 20);
  EXPECT_LE(gzip_member(block, 3).size(), gzip_member(block, 1).size());
  EXPECT_LT(gzip_member(block, 9).size(), gzip_member(block, 4).size());
}

TEST(MemberInfo, NeedsTheWholeHeader) {
  const std::string member = gzip_member("some block", 2);
  for (std::size_t n = 0; n < kMemberHeaderBytes; ++n)
    EXPECT_FALSE(member_info(member.substr(0, n)));
  EXPECT_TRUE(member_info(member.substr(0, kMemberHeaderBytes)));
}

TEST(MemberInfo, DisbelievesWhatCannotBe) {
  const std::string member = gzip_member(copy_text(10'000), 2);
  const auto claims = [&](std::uint32_t compressed, std::uint32_t raw) {
    std::string changed = member;
    put_u32(changed, 16, compressed);
    put_u32(changed, 20, raw);
    return member_info(changed).has_value();
  };
  EXPECT_TRUE(claims(3000, 10'000));
  EXPECT_TRUE(claims(1 << 20, 64 << 20));
  EXPECT_FALSE(claims(1 << 20, (64 << 20) + 1));
  EXPECT_FALSE(claims((64 << 20) + 1, 64 << 20));
  EXPECT_FALSE(claims(0xffffffff, 0xffffffff));
  EXPECT_FALSE(claims(0, 10));          // shorter than its own header
  EXPECT_FALSE(claims(1000, 2 << 20));  // a bomb: deflate can't shrink that much
  EXPECT_FALSE(claims(1 << 20, 10));    // swallows what follows
}

TEST(MemberInfo, KnowsOnlyOurOwnHeader) {
  const std::string member = gzip_member("block", 2);
  for (const std::size_t at : {0, 1, 2, 3, 10, 12, 13, 14, 24}) {
    std::string changed = member;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    EXPECT_FALSE(member_info(changed)) << at;
  }
}

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

// ISA-L and libdeflate as writers against all three libraries as readers: the permanent form of the
// differential test that found ISA-L 2.30 to be sound in the ways we use it.
RC_GTEST_PROP(GzipMember, RandomMembersInRandomPiecesAreReadByBothStreams, ()) {
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
    const std::string member = gzip_member(block, *rc::gen::inRange(1, 13));
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
