#include "stream/zstd.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "stream/little_endian.h"
#include "stream/testing.h"

namespace pgstow {
namespace {

using testing::copy_text;
using testing::noise;

TEST(ZstdFrame, EveryLevelComesBack) {
  for (const std::string& block : {std::string(), std::string("x"), copy_text(200'000),
                                   noise(70'000), std::string(1'000'000, ' ')}) {
    for (int level = 1; level <= 19; ++level) {
      const std::string frame = zstd_frame(block, level);
      const std::optional<FrameInfo> info = frame_info(frame);
      ASSERT_TRUE(info);
      EXPECT_EQ(info->compressed_bytes, frame.size());
      EXPECT_EQ(info->raw_bytes, block.size());
      EXPECT_EQ(decompress_frame(frame, block.size()), block) << level;
    }
  }
}

TEST(ZstdFrame, IsAnnouncedAsPzstdDoesIt) {
  const std::string frame = zstd_frame("block", 3);
  EXPECT_EQ(get_u32(frame, 0), 0x184D2A50U);
  EXPECT_EQ(get_u32(frame, 4), 4U);
  EXPECT_EQ(get_u32(frame, 8), frame.size() - 12);
  EXPECT_EQ(get_u32(frame, 12), 0xFD2FB528U);
}

TEST(FrameInfo, DisbelievesWhatCannotBe) {
  std::string frame = zstd_frame(copy_text(1000), 3);
  for (std::size_t n = 0; n < 16; ++n) EXPECT_FALSE(frame_info(frame.substr(0, n)));
  EXPECT_FALSE(frame_info(frame.substr(12)));  // not announced
  put_u32(frame, 8, 0xffffffff);
  EXPECT_FALSE(frame_info(frame));
  put_u32(frame, 8, 10'000);
  EXPECT_FALSE(frame_info(frame));  // more than 1000 bytes can become
}

TEST(FrameInfo, DisbelievesAnEndlessFrame) {
  // Descriptor 0xe0: single segment, 8 bytes of content size.
  std::string frame("\x50\x2a\x4d\x18\x04\0\0\0\x40\0\0\0\x28\xb5\x2f\xfd\xe0", 17);
  frame += std::string(8, '\xfd');
  EXPECT_FALSE(frame_info(frame + std::string(20, '\0')));
}

TEST(DecompressFrame, RefusesOtherSizesThanAnnounced) {
  const std::string block = copy_text(5000);
  const std::string frame = zstd_frame(block, 3);
  EXPECT_THROW(decompress_frame(frame, block.size() - 1), Corrupt);
  EXPECT_THROW(decompress_frame(frame, block.size() + 1), Corrupt);
  EXPECT_THROW(decompress_frame(frame + '\0', block.size()), Corrupt);
  EXPECT_THROW(decompress_frame(frame + zstd_frame("", 3), block.size()), Corrupt);
  EXPECT_THROW(decompress_frame("", block.size()), Corrupt);
}

TEST(StartsZstd, KnowsFramesAndTheirAnnouncementsOnly) {
  const std::string frame = zstd_frame("block", 3);
  EXPECT_TRUE(starts_zstd(frame));
  EXPECT_TRUE(starts_zstd(frame.substr(12)));
  EXPECT_FALSE(starts_zstd(frame.substr(0, 12)));
  std::string other = frame;
  other[0] = '\x51';  // a skippable frame of somebody else
  EXPECT_FALSE(starts_zstd(other));
}

}  // namespace
}  // namespace pgstow
