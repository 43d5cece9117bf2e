// What has to be read of a database to compare it with an archive's proof.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/connection.h"

namespace pgstow::pg {

// Tables that were loaded through one relation: a table itself or, for the partitions that pg_dump
// loads "via partition root", the root; restored rows may lie in another partition than before.
struct Group {
  std::string relation;  // quoted, as in the COPY statement
  std::string columns;
  bool root = false;
  bool mixed = false;  // partitions with their columns in different orders: only their rows count
  std::string condition;  // WHERE ...: which of an extension's rows the user made, and were dumped
  Proof expected;
  bool counted = false;  // by a count(*), not read
};

// One statement, which reads all or a part of a group's rows.
struct Reading {
  std::size_t group = 0;    // its index
  std::string statement;    // COPY ... TO STDOUT, or a count(*) where the group is counted
  std::uint64_t bytes = 0;  // of rows that it is expected to read
};

struct ComparePlan {
  std::vector<Group> groups;
  std::vector<Reading> readings;  // the longest first
};

// Tables with more than `slice_bytes` of rows are read in slices of about that size, where the
// server can read a part of a table without reading it all (since PostgreSQL 14). Without `digests`
// rows are only counted.
ComparePlan plan_comparison(Connection& session, const ArchiveHeader& archive,
                            const ArchiveProof& proof, bool digests, std::uint64_t slice_bytes);

}  // namespace pgstow::pg
