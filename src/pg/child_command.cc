#include "pg/child_command.h"

#include <array>
#include <string_view>

#include "pg/conninfo.h"

namespace pgstow::pg {
namespace {

// What a libpq of any version understands and what means the same elsewhere: no files of this host
// (sslrootcert), none of its addresses.
constexpr auto kPortable =
    std::to_array<std::string_view>({"user", "dbname", "password", "options", "application_name",
                                     "fallback_application_name", "connect_timeout"});

std::string password_of(const Parameters& server) {
  const auto found = server.find("password");
  return found == server.end() ? "" : found->second;
}

std::vector<std::string> words_of(const Tool& tool, const std::vector<std::string>& arguments,
                                  const Parameters& server) {
  std::vector<std::string> words{tool.path.string(), "--no-password"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.push_back("--dbname=" + to_conninfo(server));
  return words;
}

}  // namespace

Parameters seen_from_there(const Parameters& server, const Runner& runner) {
  Parameters seen;
  for (const std::string_view keyword : kPortable) {
    const auto found = server.find(std::string(keyword));
    if (found != server.end()) seen.insert(*found);
  }
  if (!runner.host.empty()) seen["host"] = runner.host;
  if (!runner.port.empty()) seen["port"] = runner.port;
  return seen;
}

Command tool_command(const Tool& tool, const std::vector<std::string>& arguments,
                     const Parameters& server, ToolInput input) {
  const std::string password = password_of(server);
  if (!tool.runner.is_here()) {
    return remote_command(tool.runner,
                          words_of(tool, arguments, seen_from_there(server, tool.runner)), password,
                          input);
  }
  Command command;
  command.argv = words_of(tool, arguments, server);
  std::vector<std::string> extra{"LC_ALL=C"};  // so that warnings can be told from errors
  if (!password.empty()) extra.push_back("PGPASSWORD=" + password);
  command.env = child_environment(extra);
  command.pipe_in = input == ToolInput::kStream;
  return command;
}

Command tool_command_on_file(const Tool& tool, const std::vector<std::string>& arguments,
                             const Parameters& server, const FileInput& file) {
  if (tool.runner.is_here()) return tool_command(tool, arguments, server);
  return remote_command_on_file(tool.runner,
                                words_of(tool, arguments, seen_from_there(server, tool.runner)),
                                password_of(server), file);
}

}  // namespace pgstow::pg
