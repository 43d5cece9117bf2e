// Takes the proof of an archive while it goes by.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "pg/archive.h"
#include "pg/proof.h"

namespace pgstow::pg {

// The digest of one large object: XXH3-128 of its OID as four little-endian bytes followed by its
// contents; the digests of all objects are summed as those of rows are. Single-threaded.
class LargeObjectHasher {
 public:
  LargeObjectHasher();
  LargeObjectHasher(const LargeObjectHasher&) = delete;
  ~LargeObjectHasher();

  void begin(std::uint32_t oid);  // ends the object before it
  void add(std::string_view contents);
  Proof finish();  // rows: number of objects, bytes: of their contents

 private:
  struct State;
  void end();

  std::unique_ptr<State> state_;
  Proof proof_;
  bool in_object_ = false;
};

// A visitor that passes every event on to `next` (may be null) and adds up the proof. To count the
// rows of compressed blocks, put a BlockInflater before it.
class ProofTaker final : public ArchiveVisitor {
 public:
  explicit ProofTaker(ArchiveVisitor* next = nullptr);

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_framed(FramedRows rows) override;
  // Throws Corrupt when data follows a table's end marker.
  void on_block_end() override;

  const ArchiveHeader& header() const { return header_; }  // after on_header
  ArchiveProof finish();

  // Progress, while running: rows so far, and the entry being read (null between blocks).
  std::uint64_t rows() const {
    return rows_done_ + framed_.rows + (rows_ ? rows_->so_far().rows : 0);
  }
  const TocEntry* current() const { return current_; }

 private:
  ArchiveVisitor* next_;
  ArchiveHeader header_;
  const TocEntry* current_ = nullptr;
  ArchiveProof proof_;
  bool plain_ = false;               // blocks are not compressed
  bool large_objects_here_ = false;  // the block being read holds them, and they are counted
  std::optional<RowHasher> rows_;    // of the table being read
  Proof framed_;                     // of its rows that came packed
  std::uint64_t block_bytes_ = 0;    // of its text, end marker included
  std::uint64_t rows_done_ = 0;      // of the tables before it
  LargeObjectHasher large_objects_;
};

}  // namespace pgstow::pg
