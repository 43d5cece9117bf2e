#include "backup/database_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace pgstow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Names = std::vector<std::string>;

Names chosen(const std::string& rule, const Names& on_server) {
  return DatabaseRule::parse(rule).choose(on_server);
}

TEST(DatabaseRule, NamesAndPatternsAreTakenAndLeftOut) {
  const Names there{"shop", "blog", "test_1", "test", "Shop"};
  EXPECT_THAT(chosen("*", there), ElementsAre("Shop", "blog", "shop", "test", "test_1"));
  EXPECT_THAT(chosen("*,!test_*", there), ElementsAre("Shop", "blog", "shop", "test"));
  EXPECT_THAT(chosen("!test* , * , !blog", there), ElementsAre("Shop", "shop"));
  EXPECT_THAT(chosen("shop,shop,?hop", there), ElementsAre("Shop", "shop"));
  EXPECT_THAT(chosen("te*t*1", there), ElementsAre("test_1"));
  EXPECT_THAT(chosen("x*", there), IsEmpty());
}

TEST(DatabaseRule, ANameIsMeantEvenIfItIsNotThere) {
  EXPECT_THAT(chosen("gone,b*", {"blog"}), ElementsAre("blog", "gone"));
  EXPECT_THAT(chosen("gone,!g*", {}), IsEmpty());
}

TEST(DatabaseRule, InQuotesANameIsAsItIs) {
  EXPECT_THAT(chosen(R"("a,b", "odd*", " ""x"" ", "!")", {"odd1", "odd*"}),
              ElementsAre(" \"x\" ", "!", "a,b", "odd*"));
  EXPECT_THAT(chosen(R"(*,!"a*")", {"a*", "ab"}), ElementsAre("ab"));
}

TEST(DatabaseRule, AQuestionMarkIsOneCharacter) {
  EXPECT_THAT(chosen("?", {"ü", "a", "ab"}), ElementsAre("a", "ü"));
  EXPECT_THAT(chosen("*é?", {"café", "cafés", "cafési"}), ElementsAre("cafés"));
}

TEST(DatabaseRule, WhatMeansNothingIsRefused) {
  for (const char* text : {"", "a,,b", "!", "!a", "\"a", "a\"b\"", "\"\"", "\"a\"b\"", ","}) {
    EXPECT_THROW(DatabaseRule::parse(text), ConfigError) << text;
  }
}

}  // namespace
}  // namespace pgstow
