// The connection in effect, as `pgstow config` shows it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/config.h"

namespace pgstow {

// A value as it is shown, nothing secret in it.
struct ShownValue {
  std::string name;
  std::optional<std::string> value;
  std::string origin;
};

// Host, port, user, database and password as libpq resolves them, each with the variable, file or
// service it comes from. Asks no server and no name server.
std::vector<ShownValue> shown_connection(const Config& config);

}  // namespace pgstow
