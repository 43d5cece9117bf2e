// PostgreSQL's custom archive format, versions 1.14 to 1.16 (pg_dump 12 to 18): header and table of
// contents as values, the data blocks as a stream of events.
//
// Source of the format: src/bin/pg_dump/pg_backup_archiver.c and pg_backup_custom.c.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/proof.h"

namespace pgstow::pg {

enum class Section : int { kNone = 1, kPreData = 2, kData = 3, kPostData = 4 };

// Where an entry's data block starts, counted in bytes of the uncompressed archive.
struct DataOffset {
  enum class State : unsigned char { kNotSet = 1, kSet = 2, kNoData = 3 };
  State state = State::kNoData;
  std::uint64_t position = 0;
};

using OptionalText = std::optional<std::string>;  // NULL and "" differ in the format

inline constexpr std::string_view kLargeObjects = "BLOBS";  // TocEntry::desc of their contents

struct TocEntry {
  int dump_id = 0;
  bool has_data = false;
  std::string table_oid;
  std::string oid;
  std::string tag;
  std::string desc;
  Section section = Section::kNone;
  OptionalText defn;
  OptionalText drop;
  OptionalText copy;  // "COPY s.t (c) FROM stdin;\n" of TABLE DATA
  OptionalText schema;
  OptionalText tablespace;
  OptionalText table_am;
  int relkind = 0;  // archive 1.16 and later
  OptionalText owner;
  OptionalText with_oids;
  std::vector<std::string> dependencies;
  DataOffset offset;

  // Its block is made of large objects.
  bool holds_large_objects() const { return desc == kLargeObjects; }
  // Its block is COPY text; that of `pg_dump --inserts` is made of SQL statements.
  bool has_copy_text() const { return has_data && copy && !copy->empty(); }
};

struct ArchiveHeader {
  int minor = 0;        // 14, 15 or 16
  int compression = 0;  // 0 none; else the level (1.14) or the algorithm (1.15+) of the data blocks
  std::array<int, 7> created{};  // sec, min, hour, mday, mon, year - 1900, isdst
  std::string database;
  std::string server_version;
  std::string dump_version;
  std::vector<TocEntry> toc;

  const TocEntry* find(int dump_id) const;
};

// Header and table of contents as bytes, as pg_dump writes them. Larger ones are not read.
std::string encode_header(const ArchiveHeader& header);
inline constexpr std::uint64_t kMostHeaderBytes = std::uint64_t{1} << 30;

// The table of contents alone; `again`: as pg_dump writes it a second time, when it steps over the
// definitions of statistics (defnDumper, pg_dump 18).
enum class TocTime { kFirst, kAgain };
std::string encode_toc(const ArchiveHeader& header, TocTime time = TocTime::kFirst);

// Rows of a table, read by one of many sessions, and framed and hashed by the thread that read
// them.
struct FramedRows {
  std::string chunks;  // whole ones of the format, length and contents
  Proof proof;         // of the rows that end in it
};

// Receives an archive's parts in their order. The views are lent for the call; the header and its
// entries live as long as the parser. How the bytes are cut into calls means nothing.
class ArchiveVisitor {
 public:
  virtual ~ArchiveVisitor() = default;
  virtual void on_header(const ArchiveHeader& header) = 0;
  // A block of TABLE DATA or BLOBS begins.
  virtual void on_block_begin(const TocEntry& entry) = 0;
  // A large object inside a BLOBS block begins; the bytes that follow are its contents.
  virtual void on_large_object(std::uint32_t oid) = 0;
  // Bytes of the current block, as stored (compressed if header.compression says so).
  virtual void on_bytes(std::string_view bytes) = 0;
  // The same, in chunks already. Whoever has no use for that gets the contents by on_bytes().
  virtual void on_framed(FramedRows rows);
  virtual void on_block_end() = 0;
};

// Takes an archive in pieces of any size, checks its structure from first byte to last and calls
// the visitor. pg_dump from 16 on adds its table of contents once more at the end of what it writes
// to a file as its standard output (`pg_dump -Fc > x.dump`): that is checked, and passed by. Memory
// is bounded: header and TOC together at most 1 GiB, blocks are passed through. Throws Corrupt,
// with the position, for anything that is not a sound archive, and Error for a version this reader
// does not know.
class ArchiveParser {
 public:
  explicit ArchiveParser(ArchiveVisitor& visitor);
  ArchiveParser(const ArchiveParser&) = delete;
  ~ArchiveParser();

  void write(std::string_view bytes);
  // To be called at the end: throws Corrupt if the archive is cut off or a block is missing.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What an archive was found to hold.
struct ArchiveProof {
  std::map<int, Proof> tables;  // by dump id of TABLE DATA
  Proof large_objects;          // rows: objects; digest: see LargeObjectHasher
  bool complete = true;  // false when rows are unknown: blocks are compressed, or are no COPY text
};

}  // namespace pgstow::pg
