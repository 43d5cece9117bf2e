// The same objects under another schema's name: pg_dump's statements with names exchanged.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "pg/archive.h"
#include "pg/table_pattern.h"

namespace pgstow::pg {

// What is to be called by another schema: each relation by its name, with the schema it goes to,
// which is the same for all of one schema.
using SchemaMoves = std::map<TableName, std::string>;

// SQL as pg_dump writes it, every name in full, with the schema of what is moved exchanged: where
// it is written as schema.name, and in 'schema.name'::regclass. Other strings, and the bodies of
// functions, stay as they are. With `in_strings`, every string that is such a name is exchanged:
// the text of SEQUENCE SET has no cast.
std::string with_moves(std::string_view sql, const SchemaMoves& moves, bool in_strings = false);

// The entry as it makes the same object in the other schema.
TocEntry with_moves(TocEntry entry, const SchemaMoves& moves);

}  // namespace pgstow::pg
