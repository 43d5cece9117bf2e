#include "pg/restore.h"

#include <gtest/gtest.h>

namespace pgstow::pg {
namespace {

TEST(RestoreMessages, QuoteNoStatementThatMayHoldAPassword) {
  EXPECT_EQ(
      without_secret_statements(
          "pg_restore: error: could not execute query: ERROR:  a\nCommand was: CREATE TABLE t "
          "(\n  a int\n);\n\npg_restore: error: could not execute query: ERROR:  b\n"
          "Command was: CREATE USER MAPPING FOR x SERVER y OPTIONS (\n    password 'sesame'\n"
          ");\npg_restore: warning: errors ignored on restore: 2\n"),
      "pg_restore: error: could not execute query: ERROR:  a\nCommand was: CREATE TABLE t "
      "(\n  a int\n);\n\npg_restore: error: could not execute query: ERROR:  b\n"
      "Command was: (not shown: it may hold a password)"
      "\npg_restore: warning: errors ignored on restore: 2\n");
  EXPECT_EQ(without_secret_statements(
                "x\nCommand was: CREATE SUBSCRIPTION s CONNECTION 'host=h password=sesame'"),
            "x\nCommand was: (not shown: it may hold a password)");
  EXPECT_EQ(without_secret_statements(""), "");
}

}  // namespace
}  // namespace pgstow::pg
