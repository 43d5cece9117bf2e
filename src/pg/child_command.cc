#include "pg/child_command.h"

#include "pg/conninfo.h"

namespace pgstow::pg {

Command tool_command(const Tool& tool, std::vector<std::string> arguments,
                     const Parameters& server) {
  Command command;
  command.argv = {tool.path.string(), "--no-password"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.argv.push_back("--dbname=" + to_conninfo(server));
  const auto password = server.find("password");
  std::vector<std::string> extra{"LC_ALL=C"};  // so that warnings can be told from errors
  if (password != server.end()) extra.push_back("PGPASSWORD=" + password->second);
  command.env = child_environment(extra);
  return command;
}

}  // namespace pgstow::pg
