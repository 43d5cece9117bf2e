// The tables that a restore of tables would replace, and what hangs on them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "pg/table_pattern.h"

namespace pgstow::pg {

// What can be led over to a table of the same name by dropping and making it again: a foreign key
// of another table, a view. `undo` is run before the present table goes, `redo` when the new one
// has its name.
struct Dependant {
  std::string what;  // "foreign key items_order_fkey of public.items"
  std::string undo;  // may be empty
  std::vector<std::string> redo;
  std::string table = {};  // quoted, that the foreign key is of
};

// The present tables of some names, in the archive's order or not, with all that is below them.
struct PresentTables {
  std::vector<TableName> tables;       // sorted; partitions and inheritance children are among them
  std::vector<std::string> oids;       // theirs, in that order
  std::vector<std::string> untie;      // statements that cut them off from what stays: detach a
                                       // partition, drop a foreign key to another table
  std::vector<Dependant> dependants;   // what will point to the new table
  std::vector<std::string> obstacles;  // what can be led over to no other table: a line each
};

// Looks, and changes nothing; within a transaction that has locked the tables, what it says stays
// true. The session's search_path must be empty.
PresentTables present_tables(Connection& session, const std::vector<TableName>& names);

// Locks them for the session's transaction, against everybody; throws when others hold one for ten
// seconds. Foreign tables have no such lock.
void lock_tables(Connection& session, const std::vector<TableName>& tables);

// All foreign keys that point to the tables, their own among them, with `undo` and `redo`.
std::vector<Dependant> foreign_keys_to(Connection& session, const PresentTables& present);

// Of these names, those that relations have which belong to none of the present tables.
std::vector<TableName> taken_names(Connection& session, const PresentTables& present,
                                   const std::vector<TableName>& names);

}  // namespace pgstow::pg
