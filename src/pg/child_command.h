// How PostgreSQL's programs are started: the server in their arguments, the password in their
// environment.
#pragma once

#include <string>
#include <vector>

#include "base/child.h"
#include "pg/connection.h"
#include "pg/tools.h"

namespace pgstow::pg {

// `tool arguments... --dbname=<server without password>`.
Command tool_command(const Tool& tool, std::vector<std::string> arguments,
                     const Parameters& server);

}  // namespace pgstow::pg
