// Rows and large objects on their way into a database: a piece at a time, over one session.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/connection.h"

namespace pgstow::pg {

// A part of a large object's contents. No two parts share a page of the server's (2 KiB).
struct ObjectPart {
  std::uint32_t oid = 0;
  std::uint64_t offset = 0;
  std::string contents = {};
};

// A share of what one entry of the archive holds: COPY text of a table, or parts of large objects.
struct Piece {
  const TocEntry* entry = nullptr;
  std::string text = {};
  bool ends_row = true;  // otherwise the same session has to take the next piece, too
  std::vector<ObjectPart> objects = {};
};

// A session's settings while it loads: those that pg_restore makes (_doSetFixedOutputState in
// pg_backup_archiver.c), with the archive's own encoding.
void prepare_loading(Connection& session, const ArchiveHeader& archive);

// Loads pieces. Those of one table that come one after the other go in by one COPY, which is ended
// by the next piece of something else, or by end(). Errors name the table; after one the session
// is ready for the next piece, unless the connection is lost (Transient). Single-threaded.
class Loader {
 public:
  Loader(Connection session, std::chrono::milliseconds stall);

  void load(const Piece& piece);
  void end();

  // What the COPY in progress belongs to; null when there is none.
  const TocEntry* copying() const { return copying_; }

 private:
  void load_objects(const std::vector<ObjectPart>& objects);

  Connection session_;
  std::chrono::milliseconds stall_;
  const TocEntry* copying_ = nullptr;
  std::uint64_t rows_ = 0;  // sent by that COPY
};

}  // namespace pgstow::pg
