// How a stored backup becomes the contents of a database.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "backup/progress.h"
#include "backup/verify.h"
#include "base/context.h"
#include "pg/archive.h"
#include "pg/connection.h"
#include "pg/early_indexes.h"
#include "pg/row_feeder.h"
#include "pg/toc_parts.h"
#include "pg/tools.h"
#include "pg/value_forms.h"
#include "stream/stream.h"

namespace pgstow {

struct LoadJob {
  pg::Parameters server;   // dbname is the empty database to fill
  int server_version = 0;  // 150020
  pg::Tool pg_restore;
  unsigned threads = 1;   // that inflate
  unsigned sessions = 1;  // of the server, at once
  std::chrono::milliseconds stall{0};
  bool no_owner = false;
  bool no_privileges = false;
  bool stop_at_error = true;  // otherwise what can be loaded is, and the end throws
  bool durable = true;        // otherwise a commit that comes after it all makes it so
  std::size_t piece_bytes = pg::RowFeeder::kPieceBytes;      // that a session takes at a time
  std::uint64_t least_binary_bytes = pg::kLeastBinaryBytes;  // see pg::value_forms()
  std::uint64_t least_key_bytes = pg::kLeastKeyBytes;        // see pg::with_key_indexes()
  std::uint64_t least_early_work = pg::EarlyIndexOptions{}.least_work;
};

// A session with the database that is being filled.
pg::Connection open_session(const LoadJob& job, std::stop_token stop);

// Reads the stored object once and makes of it what verified.archive holds: schema, rows, indexes
// and constraints. That may be a part of the stored archive, under other names; blocks that it does
// not have are passed over. The object must be what `verified` says; throws Corrupt, before indexes
// are built, if it is not. Whatever it throws, the database holds a part of it and no session of
// ours is left in it.
void load(const LoadJob& job, Source& object, const Verified& verified, const Context& context,
          Progress& progress);

// Reads the stored object once and gives `to` the blocks that verified.archive has, without their
// compression. `table` says which is being read, for the progress.
void read_blocks(Source& object, const Verified& verified, unsigned threads, const Context& context,
                 Progress& progress, pg::ArchiveVisitor& to,
                 const std::function<std::string()>& table);

}  // namespace pgstow
