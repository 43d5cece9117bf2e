// The command that runs programs in a container: docker's, or podman's.
#pragma once

#include <string>
#include <vector>

#include "base/env_file.h"
#include "pg/engine_address.h"

namespace pgstow::pg {

// "docker exec -i CONTAINER", with what makes it mean that engine. The container is named by its
// id, which stays when it is renamed. `environment` has PATH. Throws NotFound when there is neither
// docker nor podman in it, ConfigError for an engine that only the other of them reaches.
std::vector<std::string> exec_command(const EngineAddress& engine, const std::string& container,
                                      const Lookup& environment);

}  // namespace pgstow::pg
