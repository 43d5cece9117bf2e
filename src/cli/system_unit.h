// systemd's unit of this program, and whether it is the service that somebody means.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

namespace pgstow::cli {

// Whether these flags or variables say what is backed up, or how: -q and -v do not.
bool names_configuration(const std::vector<std::string>& flags,
                         const std::vector<std::string>& environment);

// Whether systemd has the unit, and neither flags, nor the environment, nor a .env in this folder
// name another configuration than the unit's.
bool means_unit(const Session& session);

// Where that is so, a command that reads this folder's configuration says that it is another one.
void warn_of_unit(const Session& session);

}  // namespace pgstow::cli
