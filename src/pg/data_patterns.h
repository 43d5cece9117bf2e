// How pg_dump is told to leave out the rows of many tables.
#pragma once

#include <string>
#include <vector>

namespace pgstow::pg {

// Patterns for --exclude-table-data (processSQLNamePattern() in PostgreSQL's string_utils.c), which
// together fit these tables and no others: "schema".("one"|"two"). pg_dump looks for each pattern
// among all tables, so there are few of them; none is longer than the kernel takes as one argument.
// `relations`: "schema"."name", always quoted; those of a schema stand together.
std::vector<std::string> data_patterns(const std::vector<std::string>& relations);

}  // namespace pgstow::pg
