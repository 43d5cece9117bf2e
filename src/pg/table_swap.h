// Tables that were built in schemas of their own, put in the place of the present ones.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "pg/connection.h"
#include "pg/present_tables.h"
#include "pg/table_selection.h"

namespace pgstow::pg {

struct TableSwap {
  std::vector<TableName> tables;               // the new ones, by the names they are to have
  std::map<std::string, std::string> scratch;  // where they are built, by the schema they go to
  std::map<std::string, std::string> kept;     // where the present ones go, by their schema
  std::vector<std::string> prelude;            // statements run first: CREATE SCHEMA and the like
  std::vector<Tie> ties;                       // made when the new ones are in place
};

// In one transaction: the present tables go to their schema in `kept`, as they are, but for foreign
// keys to tables that stay; the new ones take their names; what hung on the present ones hangs on
// the new ones. The scratch schemas are gone with it. Returns the tables that were there. Throws,
// with everything as it was, if any of it can't be done, or if `expected` is no longer what is
// there.
std::vector<TableName> swap_tables(Connection& session, const TableSwap& swap,
                                   const PresentTables& expected);

// In one transaction: the table of the scratch schema becomes `name`, and all that comes with it
// gets names that begin with the new one's; nothing that is there changes. `tables` has one root.
void add_table_as(Connection& session, const TableSwap& swap, const TableName& root,
                  const TableName& name);

// Schemas as swap_tables() has them: SCHEMA__restoring_STAMP and SCHEMA__before_STAMP.
std::map<std::string, std::string> scratch_schemas(const std::vector<TableName>& tables, Time time);
std::map<std::string, std::string> kept_schemas(const std::vector<TableName>& tables, Time time);

// What dead restores left: their scratch schemas, of whatever tables.
std::vector<std::string> half_made_schemas(Connection& session);
void drop_schema(Connection& session, const std::string& schema);

}  // namespace pgstow::pg
