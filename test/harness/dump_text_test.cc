#include "harness/dump_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;

TEST(DumpText, ForgetsTheOrderOfRowsAndColumns) {
  const std::string one =
      "-- Dumped from database version 15.1\n\\restrict abc\nSET x = 1;\n"
      "COPY s.t (a, \"b, c)\") FROM stdin;\n1\tx\n2\ty\n\\.\n\n\\unrestrict abc\n";
  const std::string two =
      "-- Dumped from database version 15.2\n\\restrict xyz\nSET x = 1;\n"
      "COPY s.t (\"b, c)\", a) FROM stdin;\ny\t2\n\\.\n"
      "COPY s.t (\"b, c)\", a) FROM stdin;\nx\t1\n\\.\n\n\\unrestrict xyz\n";
  EXPECT_EQ(comparable(one), comparable(two));
}

TEST(DumpText, SeesEveryDifferenceInContent) {
  const std::string dump = "SET x = 1;\nCOPY s.t (a, b) FROM stdin;\n1\t2\n1\t2\n\\.\n";
  EXPECT_NE(comparable(dump), comparable("SET x = 1;\nCOPY s.t (a, b) FROM stdin;\n1\t2\n\\.\n"));
  EXPECT_NE(comparable(dump),
            comparable("SET x = 1;\nCOPY s.t (a, b) FROM stdin;\n1\t2\n2\t1\n\\.\n"));
  EXPECT_NE(comparable(dump),
            comparable("SET x = 2;\nCOPY s.t (a, b) FROM stdin;\n1\t2\n1\t2\n\\.\n"));
  EXPECT_NE(comparable(dump),
            comparable("SET x = 1;\nCOPY s.t (b, a) FROM stdin;\n1\t2\n1\t2\n\\.\n"));
  EXPECT_THROW(comparable("COPY s.t (a, b) FROM stdin;\n1\t2\n"), Error);
}

TEST(DumpText, ReadsStatementsWithHostileNames) {
  const std::string text = comparable(
      "CREATE TABLE \"t FROM stdin;\"\n"
      "COPY \"t FROM stdin;\" (\"p)q\", \"new\nline\") FROM stdin;\n2\ta\n1\tb\n\\.\nSELECT 1;\n");
  EXPECT_THAT(text, HasSubstr("SELECT 1;\nCOPY"));
  EXPECT_THAT(text, HasSubstr("b\t1\t\n\\."));
}

TEST(DumpText, ShowsTheFirstDifference) {
  EXPECT_EQ(first_difference("a\nb", "a\nb"), "");
  EXPECT_THAT(first_difference("a\nb\nc", "a\nx\nc"), HasSubstr("2 x"));
  EXPECT_THAT(first_difference("a\nb", "a"), HasSubstr("2 b"));
}

// The rich database is the yardstick of every restore: what stock tools bring back must be equal to
// it, and one changed byte must show.
TEST(RichDatabase, ComesBackThroughStockTools) {
  const TestServer server;
  server.create_database("rich");
  server.script("rich", test_sql("rich.sql"));
  const std::string before = dump_text(server, "rich");
  const TempDir folder;
  const std::string archive = folder / "archive";
  run_ok({.argv = {postgres_programs() / "pg_dump", "-Fc", "-f", archive, server.url("rich")}});
  server.create_database("copy");
  const Outcome restore = run({.argv = {postgres_programs() / "pg_restore", "--exit-on-error", "-d",
                                        server.url("copy"), archive}});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  ASSERT_EQ(first_difference(before, dump_text(server, "copy")), "");
  EXPECT_NE(before.find("lo_open('732769'"), std::string::npos);

  const std::string properties = database_properties(server, "rich");
  EXPECT_THAT(properties, HasSubstr("work_mem=7MB"));
  EXPECT_THAT(properties, HasSubstr("rich_reader statement_timeout=1min"));
  EXPECT_THAT(properties, HasSubstr("it's 100 % full"));
  EXPECT_NE(properties, database_properties(server, "copy"));

  server.sql("copy", "UPDATE keys.tree SET parent = 30 WHERE id = 1");
  EXPECT_NE(first_difference(before, dump_text(server, "copy")), "");
}

TEST(RichDatabase, HoldsAboutFiftyTables) {
  const TestServer server;
  server.create_database("rich");
  server.script("rich", test_sql("rich.sql"));
  EXPECT_GE(std::stoi(server.value("rich",
                                   "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'f')"
                                   " AND relnamespace::regnamespace::text NOT IN"
                                   " ('pg_catalog', 'information_schema')")),
            50);
}

}  // namespace
}  // namespace pgstow::test
