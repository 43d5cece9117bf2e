// What the system tells this process of its surroundings.
#pragma once

#include <optional>
#include <string>

namespace pgstow {

// A variable of the environment; nothing when it is not set. A Lookup.
std::optional<std::string> environment(const std::string& name);

// This host's name; "?" when it does not tell.
std::string host_name();

}  // namespace pgstow
