// The .env file, in the dialect of Docker Compose, so that one file serves both.
//
//   NAME=value            spaces around = and at the end of the value do not count
//   NAME: value           as in YAML
//   NAME                  the environment's value, whatever it is
//   export NAME=value     as for a shell
//   # comment             also after a value, when a space is before the #
//   NAME='as it stands'   only \' is an escape; may span lines
//   NAME="text"           \n \r \t \\ \" \$ are escapes; may span lines
//
// Outside single quotes $NAME, ${NAME}, ${NAME:-default}, ${NAME:?message} and ${NAME:+other} are
// replaced (without the colon an empty value counts as set), $$ is one $, and any other $ is
// itself. A variable is looked up in the environment first, then in the lines above.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/env_expand.h"

namespace pgstow {

struct EnvEntry {
  std::string name;
  std::string value;
  int line = 0;  // where it begins, from 1

  bool operator==(const EnvEntry&) const = default;
};

struct EnvFile {
  std::string name;               // as the user would call the file
  std::vector<EnvEntry> entries;  // in the file's order; of a repeated name the last alone
  std::vector<std::string> warnings;

  const EnvEntry* find(std::string_view name) const;
};

// Throws ConfigError "FILE:LINE: ..." at the first line it can't understand. No error and no
// warning shows a value.
EnvFile parse_env(std::string_view text, const std::string& file_name, const Lookup& outer);

// Reads and parses a file. Throws ConfigError when it can't be read. Warns when others than its
// owner may read it, unless it is root's and readable by one group.
EnvFile read_env_file(const std::filesystem::path& path, const Lookup& outer);

// The value as it can stand behind NAME= in such a file: double quotes, escapes.
std::string quote_env_value(std::string_view value);

}  // namespace pgstow
