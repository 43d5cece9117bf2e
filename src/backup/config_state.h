// Where this host keeps what is not a backup.
#pragma once

#include <filesystem>

#include "backup/config.h"

namespace pgstow {

// The folder of the first local store; empty where there is none. Of one database of several, that
// of all of them: locks and state lie there.
std::filesystem::path first_local_folder(const Config& config);

// The folder of the service's state: BACKUP_STATE_PATH; or .pgstow in the first local store; or
// where programs keep their state: STATE_DIRECTORY (systemd.exec(5)), $XDG_STATE_HOME/pgstow,
// ~/.local/state/pgstow (XDG Base Directory Specification). Empty where nothing says. Nothing is
// made.
std::filesystem::path state_folder(const Config& config);

// The same; throws ConfigError where nothing says.
std::filesystem::path need_state_folder(const Config& config);

// The folder of the notes on uploads: the first local store, or the state folder.
std::filesystem::path notes_folder(const Config& config);

// The file with the log of a service in the background: BACKUP_LOG_FILE, or service.log in the
// state folder. Throws ConfigError where there is no state folder.
std::filesystem::path service_log_path(const Config& config);

}  // namespace pgstow
