// Taking a restore back, and the databases that are kept for it.
#pragma once

#include <string>
#include <vector>

#include "backup/restore.h"
#include "base/context.h"

namespace pgstow {

// Puts the database kept by the last restore back in place, and keeps the present one in turn.
// Returns the name under which the present one is kept now. Throws NotFound if none is kept.
std::string run_undo(const RestoreJob& job, const Context& context);

// Drops the databases that restores have kept; returns their names.
std::vector<std::string> drop_kept(const RestoreJob& job, const Context& context);

}  // namespace pgstow
