// Rows and large objects on their way into a database: a piece at a time, over one session.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/archive.h"
#include "pg/binary_copy.h"
#include "pg/connection.h"
#include "pg/value_forms.h"

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
// by the next piece of something else, or by end(); in the binary format, where the table's forms
// are known, and up to the first piece that can't be converted, after which another COPY takes the
// text. Errors name the table; after one the session is ready for the next piece, unless the
// connection is lost (Transient). Single-threaded.
class Loader {
 public:
  // `forms` is lent.
  Loader(Connection session, std::chrono::milliseconds stall, const ValueForms& forms);

  void load(const Piece& piece);
  void end();

  // What the COPY in progress belongs to; null when there is none.
  const TocEntry* copying() const { return copying_; }

 private:
  void load_objects(const std::vector<ObjectPart>& objects);
  std::optional<BinaryRows> in_binary(const TocEntry& entry, std::string_view text);
  void begin(const TocEntry& entry);

  Connection session_;
  std::chrono::milliseconds stall_;
  const ValueForms& forms_;
  const TocEntry* copying_ = nullptr;
  std::optional<BinaryCopy> binary_;  // of that COPY; none when it takes text
  std::uint64_t rows_ = 0;            // sent by that COPY
};

}  // namespace pgstow::pg
