// A server's globals: what belongs to all of its databases and is in no archive. Roles, their
// passwords, settings and memberships, tablespaces; as SQL, from `pg_dumpall --globals-only`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "pg/connection.h"
#include "pg/tools.h"

namespace pgstow::pg {

struct Globals {
  std::string sql;         // for psql: it may hold psql's own \restrict
  bool passwords = false;  // with the hashes of the roles' passwords
};

// The program of this name that belongs to another one of the same installation.
Tool tool_beside(const Tool& tool, const std::string& name);

// Whether this role may read the password hashes.
bool may_read_passwords(Connection& session);

// Reads them with pg_dumpall, through the database of `session` and in the encoding named. Where
// this role may not read the password hashes, they are left out. Throws when there is no such
// program, or it fails.
Globals read_globals(Connection& session, const Tool& pg_dumpall, const std::string& encoding,
                     const Wait& wait);

// The roles that the globals make and this server lacks, in the globals' order.
std::vector<std::string> roles_to_create(Connection& maintenance, std::string_view globals);

// Makes these roles as the globals say: with attributes, passwords, settings, comments and
// memberships. What they say of other roles is left alone, and so are tablespaces, whose folders
// nobody but the server's administrator can make. All or nothing: in one transaction. Returns the
// names, for people. No error text holds a password.
std::vector<std::string> create_roles(Connection& maintenance, std::string_view globals);

}  // namespace pgstow::pg
