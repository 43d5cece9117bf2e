// Whether somebody is at work on an object whose name will be another, or nobody's, when he is
// done.
#pragma once

#include <string>

#include "pg/connection.h"

namespace pgstow::pg {

// Whether a transaction that is not over yet renames or drops the database.
bool is_being_changed(Connection& session, const std::string& database);

// Whether a transaction that is not over yet drops the schema, of the session's database.
bool is_being_dropped(Connection& session, const std::string& schema);

}  // namespace pgstow::pg
