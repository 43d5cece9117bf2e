#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <limits>

namespace pgstow {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

TEST(Text, ReadsByteCounts) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("8388608"), 8388608U);
  EXPECT_EQ(parse_bytes("8M"), 8388608U);
  EXPECT_EQ(parse_bytes("3k"), 3072U);
  EXPECT_EQ(parse_bytes("2T"), 2199023255552U);
  for (const char* wrong : {"", "M", "-1", "1.5M", "8MB", "9999999999G", "M8"}) {
    EXPECT_EQ(parse_bytes(wrong), std::nullopt) << wrong;
  }
}

TEST(Text, TrimsBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitsKeepingEmptyParts) {
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, LowersAsciiOnly) { EXPECT_EQ(lower("AbZ1_\xC3\x84"), "abz1_\xC3\x84"); }

TEST(Text, JoinsWhatWasSplit) {
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, ParsesWholeNumbersOnly) {
  EXPECT_EQ(parse_int("-12"), -12);
  EXPECT_EQ(parse_int("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* wrong : {"", " 1", "1 ", "1x", "+1", "0x1", "9223372036854775808", "-"}) {
    EXPECT_EQ(parse_int(wrong), std::nullopt) << wrong;
  }
}

TEST(Text, BytesForPeopleHaveThreeDigits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.00 kB");
  EXPECT_EQ(human_bytes(9994), "9.99 kB");
  EXPECT_EQ(human_bytes(9996), "10.0 kB");
  EXPECT_EQ(human_bytes(99'960), "100 kB");
  EXPECT_EQ(human_bytes(999'499), "999 kB");
  EXPECT_EQ(human_bytes(999'500), "1.00 MB");
  EXPECT_EQ(human_bytes(12'345'678), "12.3 MB");
  EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "18447 PB");
}

TEST(Text, CountsAreGrouped) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1234567), "1,234,567");
}

TEST(Text, DurationsNeverShowSixtyOfAUnit) {
  EXPECT_EQ(human_duration(milliseconds(999)), "999 ms");
  EXPECT_EQ(human_duration(milliseconds(1000)), "1.0 s");
  EXPECT_EQ(human_duration(milliseconds(59'499)), "59.5 s");
  EXPECT_EQ(human_duration(milliseconds(59'960)), "1 min 0 s");
  EXPECT_EQ(human_duration(milliseconds(252'000)), "4 min 12 s");
  EXPECT_EQ(human_duration(milliseconds(3'599'600)), "1 h 0 min");
  EXPECT_EQ(human_duration(std::chrono::hours(12 * 24)), "12 d");
}

TEST(Text, PrintableIsOneLineOfValidUtf8) {
  EXPECT_EQ(printable("a\n\t\r\x1B[0m\x7F"), "a\\n\\t\\x0d\\x1b[0m\\x7f");
  EXPECT_EQ(printable("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
            "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(printable("\xC3"), "\\xc3");                             // cut
  EXPECT_EQ(printable("\xC0\xAF"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(printable("a\xC2\x9B\x31m\xC2\x80\xC2\xA0"), "a\\u009b1m\\u0080\xC2\xA0");
  EXPECT_EQ(printable_lines("a\tb\n\x1B[0m"), "a\\tb\n\\x1b[0m");
  EXPECT_TRUE(rc::check("is settled after once", [](const std::string& text) {
    RC_ASSERT(printable(printable(text)) == printable(text));
  }));
}

TEST(Text, HexIsLowerCase) { EXPECT_EQ(hex(std::string_view("\x00\xFFz", 3)), "00ff7a"); }

TEST(Text, NearestFindsSlipsAndNothingElse) {
  const std::vector<std::string> names{"BACKUP_LOCAL_PATH", "BACKUP_JOBS", "restore", "list"};
  EXPECT_EQ(nearest("BACKUP_LOCAL_PAHT", names), "BACKUP_LOCAL_PATH");
  EXPECT_EQ(nearest("backup_job", names), "BACKUP_JOBS");
  EXPECT_EQ(nearest("restor", names), "restore");
  EXPECT_EQ(nearest("frobnicate", names), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace pgstow
