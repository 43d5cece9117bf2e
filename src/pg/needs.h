// What an archive needs of the server that it is restored into.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/connection.h"
#include "pg/database.h"

namespace pgstow::pg {

// The roles that have settings of their own in the archive's database.
std::set<std::string> roles_with_settings(const ArchiveHeader& archive);

// The roles that the archive needs and this server lacks.
std::vector<std::string> missing_roles(Connection& maintenance, const ArchiveHeader& archive,
                                       const CreateOptions& options);

// What the archive needs and this server lacks: roles, extensions; a line each with a hint inside.
std::vector<std::string> missing_on_server(Connection& maintenance, const ArchiveHeader& archive,
                                           const CreateOptions& options);

}  // namespace pgstow::pg
