#include "stream/sha256.h"

#include <gtest/gtest.h>

#include "stream/testing.h"

namespace pgstow {
namespace {

using testing::read_all;
using testing::StringSink;
using testing::StringSource;

constexpr std::string_view kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
// FIPS 180-2, appendix B.1.
constexpr std::string_view kOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256().finish(), kOfNothing);
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), kOfAbc);
}

TEST(HashSink, PassesOnCountsAndHashes) {
  StringSink below;
  HashSink sink(below);
  sink.write("ab");
  sink.write("c");
  EXPECT_FALSE(below.finished());
  sink.finish();
  EXPECT_TRUE(below.finished());
  EXPECT_EQ(below.bytes(), "abc");
  EXPECT_EQ(sink.bytes(), 3U);
  EXPECT_EQ(sink.digest(), kOfAbc);
}

TEST(HashSource, HasTheDigestAtTheEndAndKeepsIt) {
  StringSource below("abc", 2);
  HashSource source(below);
  EXPECT_EQ(read_all(source), "abc");
  EXPECT_EQ(source.bytes(), 3U);
  EXPECT_EQ(source.digest(), kOfAbc);
  EXPECT_EQ(read_all(source), "");
  EXPECT_EQ(source.digest(), kOfAbc);
}

TEST(HashSource, HasNoDigestBeforeTheEnd) {
  StringSource below("abc");
  HashSource source(below);
  std::string buffer(3, '\0');
  ASSERT_EQ(source.read(buffer), 3U);
  EXPECT_EQ(source.digest(), "");
}

TEST(Copy, MovesEverythingAndDoesNotFinish) {
  const std::string bytes = testing::copy_text(600'000);
  StringSource from(bytes, 777);
  StringSink to;
  EXPECT_EQ(copy(from, to), bytes.size());
  EXPECT_EQ(to.bytes(), bytes);
  EXPECT_FALSE(to.finished());
}

}  // namespace
}  // namespace pgstow
