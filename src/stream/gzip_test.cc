#include "stream/gzip.h"

#include <gtest/gtest.h>

#include <vector>

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

}  // namespace
}  // namespace pgstow
