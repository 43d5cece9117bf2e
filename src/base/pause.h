// A sleep that a stop ends.
#pragma once

#include <chrono>
#include <stop_token>

namespace pgstow {

// Returns true when that time has come, false when a stop was asked for before.
[[nodiscard]] bool pause_until(std::chrono::steady_clock::time_point time,
                               const std::stop_token& stop);

}  // namespace pgstow
