// Takes the proof of an archive while it goes by.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pg/archive.h"
#include "pg/proof.h"
#include "stream/stream.h"

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
  std::unique_ptr<State> state_;
};

// A visitor that passes every event on to `next` (may be null) and adds up the proof.
class ProofTaker final : public ArchiveVisitor {
 public:
  explicit ProofTaker(ArchiveVisitor* next = nullptr);

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_block_end() override;

  const ArchiveHeader& header() const { return header_; }  // after on_header
  ArchiveProof finish();

  // Progress, while running: rows and bytes so far, and the entry being read (null between blocks).
  std::uint64_t rows() const;
  const TocEntry* current() const { return current_; }

 private:
  ArchiveVisitor* next_;
  ArchiveHeader header_;
  const TocEntry* current_ = nullptr;
  ArchiveProof proof_;
  std::optional<RowHasher> rows_;
  LargeObjectHasher large_objects_;
};

// A visitor that writes the archive again into a sink, in chunks of 256 KiB instead of pg_dump's one
// chunk a row: smaller, and faster to restore. Offsets are written as "not set"; everything else
// stays as it is. The end marker of table data stays in a chunk of its own.
class ArchiveWriter final : public ArchiveVisitor {
 public:
  explicit ArchiveWriter(Sink& to);
  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_block_end() override;

 private:
  void flush_chunk();

  Sink& to_;
  std::string chunk_;
  bool blobs_ = false;
  bool in_object_ = false;
};

}  // namespace pgstow::pg
