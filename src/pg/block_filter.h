// A part of an archive: some of its blocks, under a table of contents of the caller's.
#pragma once

#include <unordered_map>

#include "pg/archive.h"

namespace pgstow::pg {

// A visitor that passes on the blocks of the entries that `wanted` has, as entries of `wanted`, and
// nothing of the others. `wanted` has to outlive it. The header that is passed on is `wanted`, with
// the compression that the blocks have. Where `wanted` is the archive's own, an archive with
// another is refused: Corrupt.
class BlockFilter final : public ArchiveVisitor {
 public:
  enum class Wanted { kPart, kWhole };

  BlockFilter(ArchiveVisitor& next, const ArchiveHeader& wanted, Wanted kind = Wanted::kPart);

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_block_end() override;

 private:
  ArchiveVisitor& next_;
  ArchiveHeader header_;
  Wanted kind_;
  std::unordered_map<int, const TocEntry*> wanted_;  // by dump id
  bool passing_ = false;                             // the block being read is wanted
};

}  // namespace pgstow::pg
