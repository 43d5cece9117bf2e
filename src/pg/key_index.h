// The statement that makes a key, in two: one that builds its index, and one that takes that index
// for the key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgstow::pg {

struct KeyIndex {
  bool primary = false;
  std::string name;    // of the index, as of the key; without quotes
  std::string create;  // CREATE UNIQUE INDEX ...;
  std::string take;    // ALTER TABLE ... ADD CONSTRAINT ... USING INDEX ...; and what comes after
};

// Takes what pg_dump writes for a primary key or a unique constraint apart (dumpConstraint() in
// pg_dump.c): `ALTER TABLE ONLY s.t ADD CONSTRAINT n PRIMARY KEY (a, b) ...;`. Nothing for any
// other text, as of exclusion constraints and keys WITHOUT OVERLAPS, which can't take an index
// (https://www.postgresql.org/docs/current/sql-altertable.html, ADD table_constraint_using_index).
// Nor can a partitioned table, which this text does not tell.
std::optional<KeyIndex> split_key(std::string_view defn);

}  // namespace pgstow::pg
