#include "base/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/child.h"
#include "base/error.h"

namespace pgstow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Words, AreSplitAsAShellDoes) {
  EXPECT_THAT(split_words("docker exec -i db"), ElementsAre("docker", "exec", "-i", "db"));
  EXPECT_THAT(split_words("  a\t'b c'  \"d e\" f\\ g\n"), ElementsAre("a", "b c", "d e", "f g"));
  EXPECT_THAT(split_words(R"(a'b'"c"d '' "x\"y\z\\" '$HOME')"),
              ElementsAre("abcd", "", R"(x"y\z\)", "$HOME"));
  EXPECT_THAT(split_words(""), IsEmpty());
  EXPECT_THAT(split_words(" \t"), IsEmpty());
}

TEST(Words, WhatIsNotClosedIsRefused) {
  for (const char* text : {"a 'b", "a \"b", "a \\", "'", "\"\\"}) {
    EXPECT_THROW(static_cast<void>(split_words(text)), ConfigError) << text;
  }
}

RC_GTEST_PROP(Words, QuotedTheyAreReadBack, (std::vector<std::string> words)) {
  RC_ASSERT(split_words(shell_line(words)) == words);
}

// The peer that counts.
TEST(Words, AShellReadsThemAsTheyWere) {
  const std::vector<std::string> words{
      "plain",      "",  "a b", "it's", "$HOME `x` \"y\"", "\\",      "*",
      "two\nlines", "~", "#",   "!x",   "a;b&c|d<e>f(g)",  "\xff\x01"};
  std::string expected;
  for (const std::string& word : words) expected += word + '|';
  EXPECT_EQ(run_command({.argv = {"sh", "-c", "printf '%s|' " + shell_line(words)},
                         .env = child_environment({})},
                        {}),
            expected);
}

}  // namespace
}  // namespace pgstow
