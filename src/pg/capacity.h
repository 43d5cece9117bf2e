// How much of a server a backup or a restore may take for itself.
#pragma once

#include <cstddef>
#include <string>

#include "pg/connection.h"

namespace pgstow::pg {

// Sessions that this role could still open in `database`, by all limits that hold for it, when
// `for_others` of the server's own stay free.
unsigned free_sessions(Connection& session, const std::string& database, unsigned for_others = 0);

// How many sessions in `database` there may be at once: `wanted`, but no more than half of those
// that the server still lets in, and at least one.
unsigned sessions_to_take(Connection& session, const std::string& database, unsigned wanted);

// Tables that so many sessions can lock, each for itself, with three quarters of what is free in
// the server's lock table.
std::size_t lockable_tables(Connection& session, unsigned sessions);

}  // namespace pgstow::pg
