// How much of the server a backup may take for itself.
#pragma once

#include <cstddef>

#include "pg/connection.h"

namespace pgstow::pg {

// Sessions that this role could still open in this database, without the last few, which stay for
// others; 0 when there are none to spare.
unsigned free_sessions(Connection& session);

// Tables that so many sessions can lock, with a small part of the server's lock table.
std::size_t lockable_tables(Connection& session, unsigned sessions);

}  // namespace pgstow::pg
