// Some tables of an archive, with all that is theirs: a smaller table of contents.
//
// pg_restore's own --table takes a table's definition and rows, and leaves out its indexes,
// constraints, sequences, triggers, policies, comments and privileges.
#pragma once

#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/schema_moves.h"
#include "pg/table_pattern.h"

namespace pgstow::pg {

// What ties a table of a selection to something outside: a foreign key to another table, the
// attachment to a partitioned table, membership in a publication; or a comment on one of these.
struct Tie {
  TocEntry entry;
  TableName table;
  TableName other;  // a publication has no schema
};

struct TableSelection {
  // The tables that were asked for, with the partitions and inheritance children below them; and
  // their rows, defaults, owned sequences with their positions, indexes, constraints, foreign keys
  // among themselves, triggers, rules, policies, statistics, comments, privileges. In the archive's
  // order, with the entries that say how to read it (encoding, the database's own).
  ArchiveHeader header;
  std::vector<TableName> tables;  // all of them, sorted
  std::vector<TableName> named;   // those that the patterns matched
  std::vector<Tie> ties;          // in the archive's order
  std::vector<int> needs;  // dump ids of what these depend on directly, outside of the header
};

// Throws NotFound for a pattern that matches no table, with names that are near; ConfigError for a
// bare name that several schemas have, and for an inheritance child without its parents, which the
// server would show in them at once.
TableSelection select_tables(const ArchiveHeader& archive,
                             const std::vector<TablePattern>& patterns);

// The selection's header with all that it needs besides, however far behind: schemas, extensions,
// types, functions, sequences; a table that is only needed comes without rows. For a new database.
ArchiveHeader with_needs(const ArchiveHeader& archive, const TableSelection& selection);

// The header without the entries about the database as a whole.
ArchiveHeader without_database(ArchiveHeader header);

// The header without what is not rows: TABLE DATA and the positions of sequences.
ArchiveHeader only_rows(const ArchiveHeader& header);

// Names of relations that the header's entries make: tables, sequences, indexes (those of
// constraints, too), statistics. All that changes its schema with them.
std::vector<TableName> relations_of(const ArchiveHeader& header);

// The header with all of relations_of() it under other schemas; `schemas` says which for which.
ArchiveHeader in_schemas(const ArchiveHeader& header,
                         const std::map<std::string, std::string>& schemas);

// TABLE and FOREIGN TABLE.
bool makes_table(const TocEntry& entry);

}  // namespace pgstow::pg
