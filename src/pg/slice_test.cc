#include "pg/slice.h"

#include <gtest/gtest.h>

namespace pgstow::pg {
namespace {

BigTable table(std::uint64_t pages, std::uint64_t bytes) {
  return {.oid = "1",
          .relation = R"("s"."t")",
          .columns = "a, \"B\"",
          .copy = "COPY s.t (a, \"B\") FROM stdin;\n",
          .pages = pages,
          .bytes = bytes};
}

std::vector<std::string> statements(const BigTable& t, const std::vector<Slice>& slices) {
  std::vector<std::string> all;
  for (const Slice& slice : slices) all.push_back(copy_statement(t, slice));
  return all;
}

std::vector<std::string> statements(const BigTable& t, std::uint64_t slice_bytes) {
  return statements(t, ranges_of({t}, slice_bytes));
}

TEST(Slices, CoverATableWithoutGapAndWithoutEnd) {
  const std::string from = R"(COPY (SELECT a, "B" FROM ONLY "s"."t" WHERE ctid >= )";
  EXPECT_EQ(statements(table(10, 81920), 32768),
            (std::vector<std::string>{from + "'(0,0)' AND ctid < '(4,0)') TO STDOUT",
                                      from + "'(4,0)' AND ctid < '(8,0)') TO STDOUT",
                                      from + "'(8,0)') TO STDOUT"}));
}

TEST(Slices, CountWhatLiesBesideTheHeap) {
  EXPECT_EQ(statements(table(10, 81920), 819200).size(), 1U);
  EXPECT_EQ(statements(table(10, 819200), 819200).size(), 3U);
  EXPECT_EQ(statements(table(10, 819200), 409600).size(), 5U);
  EXPECT_EQ(statements(table(10, 819200), 1).size(), 10U);  // a page at least
}

TEST(Slices, AreWholeTablesWhereRangesDoNotPay) {
  const std::vector<std::string> whole{R"(COPY "s"."t" (a, "B") TO STDOUT)"};
  EXPECT_EQ(statements(table(10, 81920), whole_tables({table(10, 81920)})), whole);
  EXPECT_EQ(statements(table(0, 0), 8192), whole);
  EXPECT_EQ(statements(table(1, 8192), 8192), whole);
  BigTable bare = table(2, 16384);
  bare.columns = "";
  EXPECT_EQ(statements(bare, 16384), (std::vector<std::string>{R"(COPY "s"."t" TO STDOUT)"}));
  EXPECT_EQ(statements(bare, 8192).back(),
            R"(COPY (SELECT  FROM ONLY "s"."t" WHERE ctid >= '(1,0)') TO STDOUT)");
}

// Rows take more room as text: a slice is begun when there is room for it.
TEST(Slices, TellWhatIsExpectedOfThem) {
  EXPECT_EQ(whole_tables({table(10, 81920)}).front().bytes, 327680U);
  EXPECT_EQ(ranges_of({table(10, 81920)}, 32768).back().bytes, 49152U);
  EXPECT_EQ(ranges_of({table(1, 8192)}, 32768).back().bytes, 12288U);
  // Values beside the heap may be compressed, and few pages may have many of them.
  EXPECT_EQ(ranges_of({table(1, 18192)}, 32768).back().bytes, 12288U + 40000);
  EXPECT_EQ(ranges_of({table(5, 5 * 8192 + 100'000'000)}, 4 << 20).size(), 5U);
  EXPECT_EQ(ranges_of({table(5, 5 * 8192 + 100'000'000)}, 4 << 20).front().bytes, 80'012'288U);
}

}  // namespace
}  // namespace pgstow::pg
