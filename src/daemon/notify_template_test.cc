#include "daemon/notify_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>

#include "daemon/testing_notify.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::array<std::string_view, 2> kNames = {"database", "error"};

std::string filled(std::string_view text) {
  return NotifyTemplate::parse(text, kNames).fill([](std::string_view name) {
    return "<{" + std::string(name) + "}>";
  });
}

std::string refused(std::string_view text) {
  return thrown_by([&] { NotifyTemplate::parse(text, kNames); });
}

TEST(NotifyTemplate, FillsIn) {
  EXPECT_EQ(filled("{database}: {error}, {database}"), "<{database}>: <{error}>, <{database}>");
  EXPECT_EQ(filled(""), "");
  EXPECT_EQ(filled("{{database}} }}{{{error}"), "{database} }{<{error}>");
  EXPECT_EQ(filled(R"(a\nb\c\)"), "a\nb\\c\\");
}

TEST(NotifyTemplate, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(refused("{databse}"),
              AllOf(HasSubstr("no placeholder {databse}: did you mean {database}?"),
                    HasSubstr("there are {database} {error}")));
  EXPECT_THAT(refused("{}"), HasSubstr("no placeholder {}"));
  EXPECT_THAT(refused("{ error }"), HasSubstr("no placeholder { error }"));
  EXPECT_THAT(refused("{error"), HasSubstr("a { stands alone"));
  EXPECT_THAT(refused("50 }"), HasSubstr("a } stands alone"));
}

TEST(NotifyTemplate, AnyTextIsTakenOrRefused) {
  EXPECT_TRUE(rc::check([] {
    const auto text =
        *rc::gen::container<std::string>(rc::gen::element('{', '}', '\\', 'n', 'e', 'r', 'o', ' '));
    try {
      static_cast<void>(NotifyTemplate::parse(text, kNames));
    } catch (const ConfigError&) {
      RC_SUCCEED("refused");
    }
  }));
}

TEST(NotifyTemplate, BracesThatAreDoubledComeBack) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    std::string doubled;
    for (const char c : text) doubled += std::string(c == '{' || c == '}' ? 2 : 1, c);
    if (text.find("\\n") == std::string::npos) RC_ASSERT(filled(doubled) == text);
  }));
}

}  // namespace
}  // namespace pgstow::test
