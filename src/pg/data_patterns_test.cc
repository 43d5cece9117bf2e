#include "pg/data_patterns.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <regex.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

using Strings = std::vector<std::string>;

Strings in_public(const Strings& names) {
  Strings relations;
  for (const std::string& name : names) {
    relations.push_back(R"("public".)" + quote_identifier(name));
  }
  return relations;
}

TEST(DataPatterns, SayOnceWhatNamesHaveInCommon) {
  EXPECT_EQ(data_patterns(in_public({"orders", "order_items", "users"})),
            (Strings{R"("public".("order"("_items"|"s")|"users"))"}));
  EXPECT_EQ(data_patterns(in_public({"a_2", "a_1", "a_10", "a"})),
            (Strings{R"("public"."a"(|"_"("1"(|"0")|"2")))"}));
  EXPECT_EQ(data_patterns(in_public({"one"})), (Strings{R"("public"."one")"}));
  EXPECT_EQ(data_patterns({}), Strings{});
}

TEST(DataPatterns, KnowQuotesAndDotsInNames) {
  EXPECT_EQ(data_patterns({R"("a"".""b"."t"".""u")", R"("a"".""b"."v")", R"(""""."w""")"}),
            (Strings{R"(""""."w""")", R"("a"".""b".("t"".""u"|"v"))"}));
}

TEST(DataPatterns, DoNotCutACharacter) {
  EXPECT_EQ(data_patterns(in_public({"xä", "xö", "äb", "äc"})),
            (Strings{R"("public".("x"("ä"|"ö")|"äb"|"äc"))"}));
}

TEST(DataPatterns, AreNoLongerThanOneArgumentMayBe) {
  Strings names;
  for (int i = 0; i < 3000; ++i) names.push_back(std::to_string(i * 7919) + std::string(50, 'x'));
  const Strings patterns = data_patterns(in_public(names));
  EXPECT_LT(patterns.size(), 15U);
  for (const std::string& pattern : patterns) EXPECT_LT(pattern.size(), 30'000U);
}

// POSIX's extended regular expression, for whole texts.
class Regex {
 public:
  explicit Regex(const std::string& text) {
    if (::regcomp(&regex_, ("^(" + text + ")$").c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
      throw Error("no regular expression: " + text);
    }
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  ~Regex() { ::regfree(&regex_); }

  bool fits(const std::string& whole) const {
    return ::regexec(&regex_, whole.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t regex_ = {};
};

// As pg_dump makes a regular expression of what stands behind the schema.
std::string regex_of(const std::string& pattern) {
  std::string text;
  bool quoted = false;
  for (std::size_t i = pattern.find('.') + 1; i < pattern.size(); ++i) {
    const char ch = pattern[i];
    if (ch == '"' && quoted && pattern.substr(i + 1, 1) == "\"") {
      text += pattern[i++];
    } else if (ch == '"') {
      quoted = !quoted;
    } else {
      if (quoted && std::string_view("|*+?()[]{}.^$\\").find(ch) != std::string_view::npos) {
        text += '\\';
      }
      text += ch;
    }
  }
  return text;
}

RC_GTEST_PROP(DataPatterns, FitTheseNamesAndNoOthers, ()) {
  const auto name = rc::gen::resize(6, rc::gen::nonEmpty(rc::gen::container<std::string>(
                                           rc::gen::elementOf(std::string("ab_\"(|.1")))));
  const std::set<std::string> all = *rc::gen::container<std::set<std::string>>(name);
  Strings ours;
  Strings others;
  for (const std::string& one : all) (*rc::gen::arbitrary<bool>() ? ours : others).push_back(one);
  const Strings patterns = data_patterns(in_public(ours));
  RC_ASSERT(patterns.size() == (ours.empty() ? 0U : 1U));
  if (ours.empty()) return;
  const Regex regex(regex_of(patterns[0]));
  for (const std::string& one : ours) RC_ASSERT(regex.fits(one));
  for (const std::string& one : others) RC_ASSERT(!regex.fits(one));
}

}  // namespace
}  // namespace pgstow::pg
