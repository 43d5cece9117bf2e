// Cuts an archive's rows and large objects into pieces for loaders while it goes by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "pg/archive.h"
#include "pg/loaders.h"

namespace pgstow::pg {

// A visitor that hands an archive's data to loaders: COPY text cut at row ends, without its end
// marker; large objects cut at a multiple of their pages. Pieces are about `piece_bytes` long; only
// a row that is longer is cut inside, into pieces that one session takes one after the other. No
// piece is of two tables. What is given points into the feeder. Blocks have to be plain (see
// BlockInflater), and COPY text.
class RowFeeder final : public ArchiveVisitor {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

  explicit RowFeeder(Loaders& to, std::size_t piece_bytes = kPieceBytes);

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_block_end() override;

  const TocEntry* current() const { return entry_; }  // null between blocks

 private:
  void cut_rows();
  void give_rows(std::size_t size, bool ends_row);
  void end_object_part();
  void give_objects();

  Loaders& to_;
  const std::size_t piece_bytes_;
  ArchiveHeader header_;  // its own: pieces may wait when the parser is gone
  std::map<int, const TocEntry*> by_id_;
  const TocEntry* entry_ = nullptr;
  bool alone_ = false;               // the block's table is one that must not be overtaken
  std::string text_;                 // of the table, not given yet
  std::vector<ObjectPart> objects_;  // the last one is still growing
  std::size_t object_bytes_ = 0;     // in all of them
};

}  // namespace pgstow::pg
