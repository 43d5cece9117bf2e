#include "pg/role_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pgstow::pg {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> texts(const RoleSql& sql) {
  std::vector<std::string> all;
  for (const RoleStatement& statement : sql.statements) all.push_back(statement.sql);
  return all;
}

// As pg_dumpall of PostgreSQL 15 to 17 writes it.
constexpr const char* kGlobals = R"(--
-- PostgreSQL database cluster dump
--

\restrict 7pVlvd0gW8;drop role x

SET default_transaction_read_only = off;

SET client_encoding = 'LATIN1';
SET standard_conforming_strings = on;

--
-- Roles
--

CREATE ROLE alice;
ALTER ROLE alice WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:a;b' VALID UNTIL 'infinity';
COMMENT ON ROLE alice IS 'line one;
\unrestrict is not a command here';
CREATE ROLE nosuperuser;
ALTER ROLE nosuperuser WITH SUPERUSER INHERIT NOREPLICATION;
CREATE ROLE "Bo ""b"" Ü";
ALTER ROLE "Bo ""b"" Ü" SET search_path TO 'a', 'b;c';
SECURITY LABEL FOR selinux ON ROLE alice IS 'x';

GRANT alice TO "Bo ""b"" Ü" WITH ADMIN OPTION GRANTED BY postgres;
GRANT pg_monitor TO alice WITH INHERIT TRUE GRANTED BY postgres;
GRANT SET ON PARAMETER work_mem TO alice;

CREATE TABLESPACE fast OWNER alice LOCATION '/srv/fast';
GRANT CREATE ON TABLESPACE fast TO alice;

\unrestrict 7pVlvd0gW8
)";

TEST(RoleSql, TakesWhatIsAboutRolesAndNothingElse) {
  const RoleSql sql = parse_role_sql(kGlobals);
  EXPECT_EQ(sql.encoding, "LATIN1");
  EXPECT_THAT(
      texts(sql),
      ElementsAre(
          "CREATE ROLE alice",
          "ALTER ROLE alice WITH  INHERIT NOCREATEROLE NOCREATEDB LOGIN   CONNECTION LIMIT 3 "
          "PASSWORD 'SCRAM-SHA-256$4096:a;b' VALID UNTIL 'infinity'",
          "COMMENT ON ROLE alice IS 'line one;\n\\unrestrict is not a command here'",
          "CREATE ROLE nosuperuser", "ALTER ROLE nosuperuser WITH SUPERUSER INHERIT ",
          "CREATE ROLE \"Bo \"\"b\"\" Ü\"",
          "ALTER ROLE \"Bo \"\"b\"\" Ü\" SET search_path TO 'a', 'b;c'",
          "SECURITY LABEL FOR selinux ON ROLE alice IS 'x'",
          "GRANT alice TO \"Bo \"\"b\"\" Ü\" WITH ADMIN OPTION GRANTED BY postgres",
          "GRANT pg_monitor TO alice WITH INHERIT TRUE GRANTED BY postgres",
          "GRANT SET ON PARAMETER work_mem TO alice"));
}

TEST(RoleSql, SaysHowItsStringsAreMeant) {
  EXPECT_TRUE(parse_role_sql(kGlobals).standard_strings);
  EXPECT_FALSE(parse_role_sql("SET standard_conforming_strings = off;").standard_strings);
}

TEST(RoleSql, SaysWhomAStatementIsAbout) {
  const RoleSql sql = parse_role_sql(kGlobals);
  ASSERT_EQ(sql.statements.size(), 11U);
  EXPECT_TRUE(sql.statements[0].creates);
  EXPECT_FALSE(sql.statements[1].creates);
  EXPECT_THAT(sql.statements[5].roles, ElementsAre("Bo \"b\" Ü"));
  EXPECT_THAT(sql.statements[8].roles, ElementsAre("Bo \"b\" Ü", "alice"));
  EXPECT_THAT(sql.statements[10].roles, ElementsAre("alice"));
}

TEST(RoleSql, WhatIsCutOffIsNoStatementOfARole) {
  const std::string whole = kGlobals;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    for (const RoleStatement& statement : parse_role_sql(whole.substr(0, n)).statements) {
      EXPECT_FALSE(statement.roles.empty()) << statement.sql;
    }
  }
  EXPECT_THAT(parse_role_sql("").statements, IsEmpty());
  EXPECT_THAT(parse_role_sql("ALTER ROLE; GRANT; COMMENT ON ROLE 'x'; SECURITY LABEL").statements,
              IsEmpty());
}

}  // namespace
}  // namespace pgstow::pg
