// The newest good backup: what a schedule asks for, and what staleness is measured from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/catalogue.h"

namespace pgstow {

// The newest one of this database that has a manifest and is not known to be damaged. Of several
// servers' only this one's count; `server` is its system identifier, empty where it is not known:
// then all do. A backup dated more than two minutes after `now` is none: it
// covers nothing, and is not old for a long time to come. The pointer is into `backups`.
const Backup* newest_good(const std::vector<Backup>& backups, const std::string& database,
                          const std::string& server, Time now);

// When the backup was begun, or its snapshot taken, whichever is later: their clocks may differ.
Time made_at(const Backup& backup);

}  // namespace pgstow
