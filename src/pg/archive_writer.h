// Writes an archive again while it goes by, in larger chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pg/archive.h"
#include "stream/pack.h"
#include "stream/stream.h"

namespace pgstow::pg {

// A block of the written archive, in bytes of it. Of where its first byte is packed the Packer's
// mark tells.
struct WrittenBlock {
  int dump_id = 0;
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

// A visitor that writes the archive again into a sink, in chunks of 256 KiB instead of pg_dump's
// one chunk a row: smaller, and faster to restore. Offsets are written as "not set"; everything
// else stays as it is. The end marker of table data stays in a chunk of its own; other chunks of a
// table end with a row where a row fits. Never finishes the sink.
class ArchiveWriter final : public ArchiveVisitor {
 public:
  explicit ArchiveWriter(Sink& to);
  // Rows that come in chunks stay so. Makes a mark there for each block.
  explicit ArchiveWriter(Packer& to);

  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override;
  void on_large_object(std::uint32_t oid) override;
  void on_bytes(std::string_view bytes) override;
  void on_framed(FramedRows rows) override;
  void on_block_end() override;

  // Those that were written into a Packer, one for each of its marks.
  const std::vector<WrittenBlock>& blocks() const { return blocks_; }

 private:
  void write_full_chunk();
  void write_chunk(std::string_view contents);
  void end_chunks();

  Sink& to_;
  Packer* packer_ = nullptr;  // to_, if it takes whole blocks
  std::string chunk_;
  bool large_objects_ = false;
  bool in_object_ = false;
  std::vector<WrittenBlock> blocks_;
};

}  // namespace pgstow::pg
