// What dead runs left half-made in the stores.
#pragma once

#include <vector>

#include "base/context.h"
#include "store/store.h"

namespace pgstow {

enum class IfNotCleared { kWarn, kSayNothing };

// Clears it in each store, and logs how much it was. That it can't be cleared is no reason not to
// go on: at most a warning. Throws Cancelled.
void clear_leftovers(const std::vector<Store*>& stores, IfNotCleared failure,
                     const Context& context);

}  // namespace pgstow
