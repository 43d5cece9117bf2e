// Whether a command that the user gave can run others elsewhere (BACKUP_EXEC).
#pragma once

#include <string>
#include <vector>

namespace pgstow::pg {

// Throws ConfigError, with what to write instead, for an `exec` of docker, podman, nerdctl, kubectl
// or oc that can't work, wherever it stands in the command ("sudo docker --host X exec", "ssh host
// docker exec"): without -i, so that nothing is read; with a terminal, which changes bytes; of the
// latter two without --, so that they take the command's options for their own. `docker compose
// exec` needs no options.
void check_prefix(const std::vector<std::string>& prefix);

}  // namespace pgstow::pg
