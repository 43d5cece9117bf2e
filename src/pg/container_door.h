// The way into a container: access.h for one that BACKUP_CONTAINER names.
#pragma once

#include <memory>
#include <string>

#include "base/context.h"
#include "pg/access.h"

namespace pgstow::pg {

struct ContainerDoor {
  Parameters server;
  Runner runner;
  std::unique_ptr<Tunnel> tunnel;  // null: no need of one
  std::string description;
  std::string doubt;
};

// Waits, up to a minute, for a container or server that starts just now.
ContainerDoor open_container_door(const Place& place, const Context& context);

// libpq's parameters as settings and container say, without the server's address. The engine is
// asked only when user or database are not in the settings.
Parameters server_in_container(const Place& place, const Context& context);

// "the container db is not running any more (...)"; empty while it runs.
std::string state_if_stopped(const Place& place, const Context& context);

}  // namespace pgstow::pg
