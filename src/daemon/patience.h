// Trying again what may pass.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/context.h"

namespace pgstow {

// How often, and for how long in all, what may pass is tried again.
struct Patience {
  int attempts = 8;
  std::chrono::milliseconds pauses{180'000};  // together; 0: none
};

// Calls `attempt` until it returns nothing, or until there are no attempts or no time left. It
// returns how long it is asked to wait at least; the pauses grow by themselves, too. The last
// attempt's Transient is thrown.
void try_patiently(const Patience& patience, const Context& context,
                   const std::function<std::optional<std::chrono::milliseconds>()>& attempt);

}  // namespace pgstow
