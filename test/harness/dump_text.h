// What a database holds, as a text that is equal for databases of equal content.
#pragma once

#include <string>
#include <string_view>

#include "harness/postgres.h"

namespace pgstow::test {

// pg_dump's plain text of the database, large objects included, made comparable: see comparable().
// Throws Error when pg_dump fails.
std::string dump_text(const TestServer& server, const std::string& database);

// A plain dump without what may differ between databases of equal content: versions, times, tokens
// and empty lines are left out; rows are sorted within their COPY statement, and their columns by
// name, and so are the column definitions of inheritance children (which a restore reorders); COPY
// statements of the same target become one (rows of an enum-hash partition move); data and large
// objects stand at the end.
std::string comparable(std::string_view plain_dump);

// What pg_dump saves only with --create: owner, encoding, locale, connection limit, comment,
// privileges and settings of the database and of roles in it, one a line.
std::string database_properties(const TestServer& server, const std::string& database);

// The first lines in which two texts differ, with their numbers; empty when they are equal. For
// failure messages: whole dumps do not fit on a screen.
std::string first_difference(std::string_view expected, std::string_view actual);

}  // namespace pgstow::test
