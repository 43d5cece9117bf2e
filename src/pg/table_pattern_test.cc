#include "pg/table_pattern.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pgstow::pg {
namespace {

bool means(const char* pattern, const char* schema, const char* name) {
  return TablePattern::parse(pattern).matches({.schema = schema, .name = name});
}

TEST(TablePattern, ABareNameIsInAnySchema) {
  EXPECT_TRUE(means("orders", "public", "orders"));
  EXPECT_TRUE(means("orders", "sales", "orders"));
  EXPECT_FALSE(means("orders", "orders", "items"));
  EXPECT_FALSE(means("orders", "public", "Orders"));
  EXPECT_FALSE(TablePattern::parse("orders").may_mean_several());
}

TEST(TablePattern, ADotDividesSchemaAndName) {
  EXPECT_TRUE(means("sales.orders", "sales", "orders"));
  EXPECT_FALSE(means("sales.orders", "public", "orders"));
  EXPECT_TRUE(TablePattern::parse("sales.orders").may_mean_several());
}

TEST(TablePattern, StarsAndQuestionMarks) {
  EXPECT_TRUE(means("*.orders", "sales", "orders"));
  EXPECT_TRUE(means("sales.*", "sales", "a.b"));
  EXPECT_TRUE(means("event_20??", "public", "event_2026"));
  EXPECT_FALSE(means("event_20??", "public", "event_20260"));
  EXPECT_TRUE(means("*a*b*", "s", "xxaxxbaxb"));
  EXPECT_FALSE(means("*a*b", "s", "xaxbx"));
  EXPECT_TRUE(means("*", "s", ""));
  EXPECT_FALSE(means("s.?", "s", ""));
}

// One of them that is matched by trying every way would never come to an end.
TEST(TablePattern, ManyStarsTakeNoTime) {
  const std::string name(5000, 'a');
  EXPECT_FALSE(means("*a*a*a*a*a*a*a*a*a*a*a*a*b", "s", name.c_str()));
}

TEST(TablePattern, QuotesTakeANameLiterally) {
  EXPECT_TRUE(means("\"odd.name\"", "public", "odd.name"));
  EXPECT_TRUE(means("public.\"50% * ?\"", "public", "50% * ?"));
  EXPECT_FALSE(means("public.\"50% * ?\"", "public", "50% x y"));
  EXPECT_TRUE(means("\"a \"\"b\"\"\"", "public", "a \"b\""));
  EXPECT_TRUE(means("\"s.t\".\"u\"", "s.t", "u"));
  EXPECT_TRUE(means("таблица", "public", "таблица"));
}

TEST(TablePattern, ASchemaMeansAllItsTables) {
  const TablePattern pattern = TablePattern::of_schema("sales");
  EXPECT_TRUE(pattern.matches({.schema = "sales", .name = "orders"}));
  EXPECT_FALSE(pattern.matches({.schema = "public", .name = "sales"}));
  EXPECT_THROW(TablePattern::of_schema("sales.orders"), ConfigError);
}

TEST(TablePattern, WhatIsNoNameIsRefused) {
  for (const char* text : {"", ".", "a.", ".b", "a.b.c", "\"open", "a.\"b"}) {
    SCOPED_TRACE(text);
    EXPECT_THROW(TablePattern::parse(text), ConfigError);
  }
}

TEST(TablePattern, TellsTheNameOfOneWithoutWildcards) {
  const TablePattern pattern = TablePattern::parse("\"my schema\".copy");
  EXPECT_EQ(pattern.schema(), "my schema");
  EXPECT_EQ(pattern.name(), "copy");
  EXPECT_FALSE(TablePattern::parse("copy").schema().has_value());
  EXPECT_TRUE(TablePattern::parse("co*").has_wildcard());
  EXPECT_FALSE(TablePattern::parse("\"co*\"").has_wildcard());
}

}  // namespace
}  // namespace pgstow::pg
