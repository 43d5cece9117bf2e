// Variables and escapes inside the values of a .env file; see env_file.h for the dialect.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgstow {

// A variable's value outside the text at hand; nothing when it is not set.
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

bool is_variable_name(std::string_view name);  // [A-Za-z_][A-Za-z0-9_]*

struct Expanded {
  std::string value;
  std::vector<std::string> unset;  // variables that were taken as empty
};

// Throws ConfigError without a place in its text.
Expanded expand_variables(std::string_view raw, bool with_escapes, const Lookup& lookup);

}  // namespace pgstow
