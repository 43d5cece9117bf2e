// How PostgreSQL's programs are started: the server in their arguments, the password in their
// environment. Elsewhere than on this host the server has the address that is seen from there.
#pragma once

#include <string>
#include <vector>

#include "base/child.h"
#include "pg/connection.h"
#include "pg/tools.h"

namespace pgstow::pg {

// `tool arguments... --dbname=<server without password>`, where the tool is. `server` is what a
// session of ours was opened with (Connection::parameters_for_children()).
Command tool_command(const Tool& tool, const std::vector<std::string>& arguments,
                     const Parameters& server, ToolInput input = ToolInput::kNone);

}  // namespace pgstow::pg
