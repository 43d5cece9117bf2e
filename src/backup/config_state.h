// Where this host keeps what pgstow remembers from run to run.
#pragma once

#include <filesystem>

#include "backup/config.h"

namespace pgstow {

// BACKUP_STATE_PATH; else .pgstow in the first local store's folder; else as programs keep their
// state: systemd's StateDirectory=, $XDG_STATE_HOME/pgstow, ~/.local/state/pgstow. Throws
// ConfigError when there is none of these.
std::filesystem::path state_folder(const Config& config);

}  // namespace pgstow
