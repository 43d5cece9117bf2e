// How much of a server a restore may take for itself.
#pragma once

#include <string>

#include "pg/connection.h"

namespace pgstow::pg {

// How many sessions in `database` there may be at once: `wanted`, but no more than half of those
// that the server still lets in (all limits that hold for this role), and at least one.
unsigned sessions_to_take(Connection& maintenance, const std::string& database, unsigned wanted);

}  // namespace pgstow::pg
