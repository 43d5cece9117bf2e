#include "pg/data_patterns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace pgstow::pg {
namespace {

using Strings = std::vector<std::string>;

TEST(DataPatterns, JoinTheTablesOfASchema) {
  EXPECT_EQ(data_patterns({R"("a"."one")", R"("a"."two")", R"("b"."one")"}),
            (Strings{R"("a".("one"|"two"))", R"("b".("one"))"}));
  EXPECT_EQ(data_patterns({}), Strings{});
}

TEST(DataPatterns, KnowQuotesAndDotsInNames) {
  EXPECT_EQ(data_patterns({R"("a"".""b"."t"".""u")", R"("a"".""b"."v")", R"(""""."w")"}),
            (Strings{R"("a"".""b".("t"".""u"|"v"))", R"("""".("w"))"}));
}

TEST(DataPatterns, AreNoLongerThanOneArgumentMayBe) {
  Strings relations;
  for (int i = 0; i < 3000; ++i) {
    relations.push_back(R"("s".")" + std::string(50, 'x') + std::to_string(i) + '"');
  }
  const Strings patterns = data_patterns(relations);
  std::size_t names = 0;
  for (const std::string& pattern : patterns) {
    EXPECT_LT(pattern.size(), 17'000U);
    names += static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '|')) + 1;
  }
  EXPECT_EQ(names, relations.size());
  EXPECT_LT(patterns.size(), 15U);
}

}  // namespace
}  // namespace pgstow::pg
