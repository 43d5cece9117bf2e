// The tables whose rows are worth several sessions: which they are, and their locks.
//
// A table is taken only when what pg_dump would do with it is plain: COPY of all its rows, no
// condition, no detour (dumpTableData in pg_dump.c). Every other one is pg_dump's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "pg/server.h"

namespace pgstow::pg {

// Names are in the archive's encoding.
struct BigTable {
  std::string oid;
  std::string relation;  // "schema"."name", always quoted: for statements, and for data_patterns()
  std::string columns;   // as pg_dump writes the list, without the parentheses; may be empty
  std::string copy;      // the archive's statement: COPY s.t (a, b) FROM stdin;
  std::uint64_t pages = 0;  // of its heap
  std::uint64_t bytes = 0;  // with what lies beside the heap (TOAST)
};

struct ChooseOptions {
  std::uint64_t least_bytes;   // of a table, as the catalogue and the statistics guess it
  std::uint64_t least_in_all;  // of them together: where it is less, there are none
  std::size_t most_tables;
  bool same_major;  // pg_dump and the server know the same keywords
  std::string encoding;
  std::chrono::milliseconds lock_timeout;
};

// What a dump is made under: the tables are locked, so that nobody changes or drops them.
struct LockedSnapshot {
  Snapshot snapshot;
  std::vector<BigTable> tables;  // the small ones first
};

// Opens a read-only repeatable-read transaction, locks the big tables (ACCESS SHARE) and exports
// its snapshot, in that order: what the snapshot shows of them is what they are. Nothing when a
// table was renamed or dropped meanwhile; then there is no transaction. Throws Error when somebody
// holds a table for longer than the lock timeout.
std::optional<LockedSnapshot> lock_big_tables(Connection& leader, const ChooseOptions& options);

// Tables that were emptied or rewritten (TRUNCATE, ALTER TABLE) since the leader's snapshot: there
// they are empty, though it holds rows of them. Asked for when all are locked.
std::vector<std::string> rewritten_tables(Connection& leader);

// All tables whose rows belong into a dump, by OID, as far as it dumps them at all.
std::set<std::string> tables_with_rows(Connection& leader);

}  // namespace pgstow::pg
