// How pg_dump is told to leave out the rows of many tables.
#pragma once

#include <string>
#include <vector>

namespace pgstow::pg {

// Patterns for --exclude-table-data (processSQLNamePattern() in PostgreSQL's string_utils.c), which
// together fit these tables and no others: "public"."order"("s"|"_items"). pg_dump looks for each
// pattern among all relations, and the server's regular expressions take the longer the more
// characters a pattern has: so there are few, and what names have in common stands there once.
// `relations`: "schema"."name", always quoted, each once, in any of the server's encodings.
std::vector<std::string> data_patterns(const std::vector<std::string>& relations);

}  // namespace pgstow::pg
