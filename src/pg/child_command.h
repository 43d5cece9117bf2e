// How PostgreSQL's programs are started: the server in their arguments, the password in their
// environment. Elsewhere than on this host the server has the address that is seen from there.
#pragma once

#include <string>
#include <vector>

#include "base/child.h"
#include "pg/connection.h"
#include "pg/tools.h"

namespace pgstow::pg {

// The server as programs where `runner` runs them have to name it.
Parameters seen_from_there(const Parameters& server, const Runner& runner);

// `tool arguments... --dbname=<server without password>`, where the tool is. `server` is what a
// session of ours was opened with (Connection::parameters_for_children()).
Command tool_command(const Tool& tool, const std::vector<std::string>& arguments,
                     const Parameters& server, ToolInput input = ToolInput::kNone);

// The same, with a file as its standard input, which may be opened again as /dev/stdin. On this
// host the caller names a descriptor (Command::input); elsewhere it writes the file's contents to
// the child, and a nameless file is made of them there.
Command tool_command_on_file(const Tool& tool, const std::vector<std::string>& arguments,
                             const Parameters& server, const FileInput& file);

}  // namespace pgstow::pg
