// Turns an archive with compressed blocks into one with plain blocks, while it goes by.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "pg/archive.h"

namespace pgstow::pg {

// A visitor that decompresses the blocks of `pg_dump -Z1` to `-Z9` (each one a zlib stream) and
// passes everything on; the header it passes on says that nothing is compressed. Archives without
// compression, or with one it can't undo (lz4, zstd), pass as they are.
// Throws Corrupt, with the entry, for a stream that is damaged, cut off or longer than it should
// be.
class BlockInflater final : public ArchiveVisitor {
 public:
  explicit BlockInflater(ArchiveVisitor& next);
  BlockInflater(const BlockInflater&) = delete;
  ~BlockInflater() override;

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_block_end() override;

 private:
  struct Stream;
  void end_stream();
  [[noreturn]] void corrupt(std::string_view cause) const;

  ArchiveVisitor& next_;
  ArchiveHeader plain_;             // what was passed on, where that is not the archive's own
  std::unique_ptr<Stream> stream_;  // null when the blocks pass as they are
  const TocEntry* entry_ = nullptr;
};

}  // namespace pgstow::pg
