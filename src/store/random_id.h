// Names that no other run has.
#pragma once

#include <string>

namespace pgstow {

// 16 hex digits of the system's randomness. Throws Error when there is none.
std::string random_id();

}  // namespace pgstow
