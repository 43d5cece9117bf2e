// SQL as text: quoting, and the few statements of an archive's table of contents that we look into.
//
// All of it takes what pg_dump writes; it is no parser for SQL at large.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow::pg {

std::string quote_identifier(std::string_view name);  // always in double quotes
std::string quote_literal(std::string_view value);    // '...', or E'...' if it has a backslash
std::string array_literal(const std::vector<std::string>& values);  // {"a","b\\"c"}: a text[]
std::string quote_conninfo(std::string_view value);  // for libpq's "keyword='value'" strings

// The statements, without the semicolons that end them and the white space around; empty ones are
// left out. Not for the bodies of SQL-standard functions (BEGIN ATOMIC).
std::vector<std::string> split_statements(std::string_view sql);

// The text of a DATABASE or DATABASE PROPERTIES entry, or of a database's ACL, COMMENT or SECURITY
// LABEL, with every statement's database name replaced by quote_identifier(new_name).
std::string with_database_name(std::string_view sql, std::string_view new_name);

// The roles that an ACL or DEFAULT ACL entry's text grants to, revokes from or speaks for; without
// PUBLIC.
std::set<std::string> roles_of_acl(std::string_view defn);

// The role whose settings the statement changes, if it is `ALTER ROLE name IN DATABASE ...`.
std::optional<std::string> role_of_setting(std::string_view statement);

struct CopyTarget {
  std::string relation;  // as written: s."odd name"
  std::string schema;    // what that means, without quotes; empty when it is not told
  std::string table;
  std::string columns;  // as written: a, "b)c"; empty when the table has no columns to copy
  std::vector<std::string> names;  // of the columns, without quotes
};

// Takes `COPY s.t (a, b) FROM stdin;` apart. Throws Corrupt for any other text.
CopyTarget parse_copy(std::string_view copy_statement);

struct SequenceState {
  std::string sequence;  // for the server's regclass: s."odd name"
  std::int64_t value = 0;
  bool called = false;
};

// Takes `SELECT pg_catalog.setval('s.q', 42, true);` apart, the text of SEQUENCE SET entries.
// Throws Corrupt for any other text.
SequenceState parse_setval(std::string_view defn);

}  // namespace pgstow::pg
