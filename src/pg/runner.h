// Where PostgreSQL's programs run: on this host, or behind a command that runs others elsewhere
// ("docker exec -i db", "kubectl exec -i pod --", "ssh host").
//
// Behind such a command nothing is left to itself. A program is started by a small script for the
// POSIX shell that must be there; the script takes the password from the first line of its input,
// so that it stands in no arguments, and watches that input: when we are gone, or the command is,
// the input ends, and the script ends the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/child.h"

namespace pgstow::pg {

struct Runner {
  std::vector<std::string> prefix = {};  // empty: this host
  // The server's address as the programs there see it; empty: what is usual there.
  std::string host = {};
  std::string port = {};

  bool is_here() const { return prefix.empty(); }
  // For messages: "docker exec -i db".
  std::string name() const;
};

// `sh -c SCRIPT pgstow ARGUMENTS...`, run there. The script has the arguments as $1, $2, ...
Command script_command(const Runner& runner, const std::string& script,
                       const std::vector<std::string>& arguments);

enum class ToolInput {
  kNone,    // the program reads nothing: its input only tells that we are still there
  kStream,  // the program's input is ours
};

// `argv` run there, with the password in its environment (empty: none is set).
Command remote_command(const Runner& runner, const std::vector<std::string>& argv,
                       const std::string& password, ToolInput input);

// A file of so many bytes, followed by zeros up to `size` if that is more.
struct FileInput {
  std::uint64_t bytes = 0;
  std::uint64_t size = 0;
};

// The same with a file as its standard input, made there of the bytes that the caller writes to the
// child. It has no name by the time the program runs, so nothing is left of it.
Command remote_command_on_file(const Runner& runner, const std::vector<std::string>& argv,
                               const std::string& password, const FileInput& file);

}  // namespace pgstow::pg
