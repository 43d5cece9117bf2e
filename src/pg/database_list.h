// The databases of a server that can be backed up.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"

namespace pgstow::pg {

// All that sessions may be opened in, but for templates and for what restores keep, or have left
// half-made, beside the databases they restored. In no order.
std::vector<std::string> databases_to_back_up(Connection& session);

}  // namespace pgstow::pg
