// Whether a database has what an archive's entry would make.
#pragma once

#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/connection.h"

namespace pgstow::pg {

// Of the archive's entries with these dump ids, those whose objects the session's database lacks: a
// line each, "type public.mood", "extension citext". Schemas are not among them. Kinds that are
// needed by hardly a table (operators' families, casts) are taken to be there: where they are not,
// the server says so.
std::vector<std::string> missing_objects(Connection& session, const ArchiveHeader& archive,
                                         const std::vector<int>& ids);

bool schema_exists(Connection& session, const std::string& schema);

}  // namespace pgstow::pg
