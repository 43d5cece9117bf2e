// What a server's globals say of roles: the statements of pg_dumpall, taken apart
// (dumpRoles, dumpUserConfig, dumpRoleMembership and dumpRoleGUCPrivs in pg_dumpall.c).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow::pg {

struct RoleStatement {
  std::string sql;
  // Whom it is about; of a membership both sides.
  std::set<std::string> roles;
  bool creates = false;  // it is the role's CREATE ROLE
};

struct RoleSql {
  std::string encoding;          // of the names: what client_encoding is set to; empty: not said
  bool standard_strings = true;  // what standard_conforming_strings is set to
  std::vector<RoleStatement> statements;
};

// Takes what pg_dumpall writes, psql's own commands (\restrict) included. Attributes that every new
// role has anyway, and only a superuser may mention (NOSUPERUSER, ...), are taken out.
RoleSql parse_role_sql(std::string_view globals);

}  // namespace pgstow::pg
