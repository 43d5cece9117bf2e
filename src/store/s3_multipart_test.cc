#include "store/s3_multipart.h"

#include <gtest/gtest.h>

#include "store/s3_digest.h"

namespace pgstow {
namespace {

std::uint64_t room(const S3Settings& settings) {
  std::uint64_t bytes = 0;
  for (std::uint32_t n = 1; n <= settings.most_parts; ++n) bytes += part_size(settings, n);
  return bytes;
}

TEST(S3Multipart, FiveTebibytesFitIntoTenThousandParts) {
  const S3Settings settings;
  EXPECT_GE(room(settings), 5ULL << 40);
  EXPECT_EQ(part_size(settings, 1), 8u << 20);
  EXPECT_EQ(part_size(settings, 1000), 8u << 20);
  EXPECT_EQ(part_size(settings, 1001), 16u << 20);
  EXPECT_LE(part_size(settings, 10'000), 5ULL << 30);
}

TEST(S3Multipart, AServerThatTakesAThousandPartsHasRoomTo) {
  S3Settings settings;
  settings.most_parts = 1000;
  EXPECT_GE(room(settings), 790ULL << 30);
  settings.part_bytes = 64u << 20;
  EXPECT_GE(room(settings), 2ULL << 40);
}

TEST(S3Multipart, LargePartsAreFewInFlight) {
  const S3Settings settings;
  EXPECT_EQ(parts_in_flight(settings, 8u << 20), 8U);
  EXPECT_EQ(parts_in_flight(settings, 64u << 20), 2U);
  EXPECT_EQ(parts_in_flight(settings, 1ULL << 30), 1U);
}

// Two parts as any S3 client would compute it.
TEST(S3Multipart, TagsAreThoseOfS3) {
  EXPECT_EQ(etag_of({{.number = 1, .bytes = 1, .sha256 = {}, .md5 = md5("a"), .etag = {}},
                     {.number = 2, .bytes = 1, .sha256 = {}, .md5 = md5("b"), .etag = {}}}),
            "96e024ba2074fe77e8e965ba43a704be-2");
  EXPECT_EQ(base64(md5("")), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_TRUE(is_md5_etag("\"D41D8CD98F00B204E9800998ECF8427E\""));
  EXPECT_FALSE(is_md5_etag("d41d8cd98f00b204e9800998ecf8427e-2"));
  EXPECT_EQ(plain_etag("W/\"x\""), "x");
}

}  // namespace
}  // namespace pgstow
