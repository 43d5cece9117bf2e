// What somebody should look at, in words: what `pgstow status` calls wrong.
#pragma once

#include <string>
#include <vector>

#include "daemon/standing.h"

namespace pgstow {

// Empty when all is well. `service`: whether one runs on this host.
std::vector<std::string> what_is_wrong(const Standing& standing, bool service);

// Whether the store should have a backup that it does not have.
bool misses_newest(const Standing& standing, const StoreStanding& store);

}  // namespace pgstow
