// Whether the service could work with a configuration: asked before it takes it.
#pragma once

#include "cli/commands.h"

namespace pgstow::cli {

// Makes the state folder and tries whether it can be written to; the same for the folders of local
// stores, but one that may have to be mounted is not made. Reads the files of CAs. Servers are not
// asked: they come and go. Throws an Error that tells what can't work, and ConfigError when another
// database is meant than the one of --database-is.
void check_service(const Session& session);

}  // namespace pgstow::cli
