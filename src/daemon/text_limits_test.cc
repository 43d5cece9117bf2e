#include "daemon/text_limits.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.h"

namespace pgstow::test {
namespace {

TEST(TextLimits, CharactersStayWhole) {
  EXPECT_EQ(utf16_length("aé€😀"), 5U);
  EXPECT_EQ(cut_to_utf16("😀😀", 4), "😀😀");
  EXPECT_EQ(cut_to_utf16("😀😀", 3), "😀…");
  EXPECT_EQ(cut_to_utf16("😀😀", 2), "…");
  EXPECT_EQ(cut_to_utf16("😀", 0), "");
  EXPECT_EQ(cut_to_bytes("éé", 4), "éé");
  EXPECT_EQ(cut_to_bytes("ééé", 5), "é…");
  EXPECT_EQ(tail_of("ééé", 5), "…é");
  EXPECT_EQ(tail_of("ééé", 6), "ééé");
  EXPECT_EQ(tail_of("abc", 2), "");
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

TEST(TextLimits, HoldForAnyText) {
  EXPECT_TRUE(rc::check([](const std::string& bytes, std::uint8_t limit) {
    const std::string text = printable(bytes) + "ä😀";
    RC_ASSERT(utf16_length(cut_to_utf16(text, limit)) <= limit);
    RC_ASSERT(cut_to_bytes(text, limit).size() <= limit);
    RC_ASSERT(tail_of(text, limit).size() <= limit);
    RC_ASSERT(is_utf8(cut_to_utf16(text, limit)) && is_utf8(cut_to_bytes(text, limit)) &&
              is_utf8(tail_of(text, limit)));
    RC_ASSERT(cut_to_bytes(text, text.size()) == text && tail_of(text, text.size()) == text);
    static_cast<void>(cut_to_utf16(bytes, limit));  // ends, whatever it is
    static_cast<void>(tail_of(bytes, limit));
  }));
}

}  // namespace
}  // namespace pgstow::test
