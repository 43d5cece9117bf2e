#include "stream/compression.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pgstow {
namespace {

using Format = Compression::Format;

TEST(Compression, ReadsFormatsWithAndWithoutALevel) {
  EXPECT_EQ(parse_compression("gzip"), (Compression{Format::kGzip, 2}));
  EXPECT_EQ(parse_compression("gzip:1"), (Compression{Format::kGzip, 1}));
  EXPECT_EQ(parse_compression("gzip:12"), (Compression{Format::kGzip, 12}));
  EXPECT_EQ(parse_compression("zstd"), (Compression{Format::kZstd, 3}));
  EXPECT_EQ(parse_compression("zstd:19"), (Compression{Format::kZstd, 19}));
}

TEST(Compression, RefusesAnythingElseAndSaysWhatIsAllowed) {
  for (const char* text : {"", ":", "gzip:", "gzip:0", "gzip:13", "gzip:-1", "gzip:2 ", "gzip:2:3",
                           "zstd:20", "zstd:99999999999999999999", "lz4", "GZIP", "gzip 2"}) {
    try {
      parse_compression(text);
      ADD_FAILURE() << '"' << text << "\" was accepted";
    } catch (const ConfigError& e) {
      EXPECT_NE(e.hint().find("gzip:1 to gzip:12"), std::string::npos);
      EXPECT_NE(e.hint().find("zstd:1 to zstd:19"), std::string::npos);
    }
  }
}

TEST(Compression, WritesWhatItReads) {
  for (const char* text : {"gzip:7", "zstd:3"}) EXPECT_EQ(to_string(parse_compression(text)), text);
}

TEST(Compression, KnowsTheSuffixes) {
  EXPECT_EQ(suffix(parse_compression("gzip")), ".gz");
  EXPECT_EQ(suffix(parse_compression("zstd")), ".zst");
}

}  // namespace
}  // namespace pgstow
