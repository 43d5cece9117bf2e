// Compares what a database holds with an archive's proof.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/connection.h"
#include "pg/server.h"

namespace pgstow::pg {

struct Comparison {
  std::uint64_t tables = 0;  // compared; large objects are none
  std::uint64_t rows = 0;
  bool digests = false;                  // rows were compared by content, not only counted
  std::vector<std::string> differences;  // a line each; empty when all is equal
};

// Reads every table of the archive in the session's database, under the settings the rows were
// dumped under. Without settings (a backup without a manifest) rows are only counted, since their
// text depends on them. Sequences are compared by their position. `progress` is told each table's
// name.
Comparison compare(Connection& session, const ArchiveHeader& archive, const ArchiveProof& proof,
                   const SessionSettings& settings,
                   const std::function<void(const std::string&)>& progress);

}  // namespace pgstow::pg
