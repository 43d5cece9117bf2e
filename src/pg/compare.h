// Compares what a database holds with an archive's proof.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/server.h"
#include "pg/sessions.h"

namespace pgstow::pg {

struct Comparison {
  std::uint64_t tables = 0;  // compared; large objects are none
  std::uint64_t rows = 0;
  bool digests = false;                  // rows were compared by content, not only counted
  std::vector<std::string> differences;  // a line each; empty when all is equal
};

struct CompareOptions {
  SessionSettings settings = {};  // that the rows were dumped under
  unsigned sessions = 1;          // that read at once, beside the one that plans
  std::uint64_t slice_bytes = std::uint64_t{32} << 20;  // larger tables are read by several
};

// Reads every table of the archive in the database that open() leads to, under the settings the
// rows were dumped under. Without settings (a backup without a manifest) rows are only counted,
// since their text depends on them. Sequences are compared by their position. `progress` is told
// each table's name, in this thread. Nobody else should write there meanwhile. Where policies are
// forced on the session's role as the owner, they are lifted for that long.
Comparison compare(const OpenSession& open, const ArchiveHeader& archive, const ArchiveProof& proof,
                   const CompareOptions& options, const std::stop_token& stop,
                   const std::function<void(const std::string&)>& progress);

// Makes the session write rows as they were dumped; see CompareOptions::settings. Not in a
// transaction: what the server lacks is passed over.
void prepare_comparison(Connection& session, const ArchiveHeader& archive,
                        const SessionSettings& settings);

// The same as compare() for the tables alone, by one session that was prepared and that no policy
// hides rows from: it sees what its transaction has not committed.
Comparison compare_tables(Connection& session, const ArchiveHeader& archive,
                          const ArchiveProof& proof, bool digests);

}  // namespace pgstow::pg
