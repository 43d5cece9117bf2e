// Which backup a word of the user means.
#pragma once

#include <string>
#include <vector>

#include "backup/catalogue.h"

namespace pgstow {

// "latest" or "": the newest of `database` (of any, if that is empty) that has a manifest, or if
// there is none the newest without one, whose time and database are not sure; never a damaged one;
// "3": the third in the list; otherwise a key, its stem, or an unambiguous beginning of one. Throws
// NotFound.
const Backup& select_backup(const std::vector<Backup>& backups, const std::string& choice,
                            const std::string& database);

}  // namespace pgstow
