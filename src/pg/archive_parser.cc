#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "pg/archive.h"
#include "pg/archive_encoding.h"
#include "pg/archive_header.h"
#include "pg/end_marker.h"

namespace pgstow::pg {

namespace {

constexpr int kMaxChunk = 1 << 30;
constexpr std::size_t kSmallChunk = std::size_t{4} << 10;
constexpr std::size_t kGathered = std::size_t{64} << 10;

constexpr std::string_view kTableData = "TABLE DATA";

}  // namespace

const TocEntry* ArchiveHeader::find(int dump_id) const {
  const auto found = std::find_if(toc.begin(), toc.end(),
                                  [&](const TocEntry& entry) { return entry.dump_id == dump_id; });
  return found == toc.end() ? nullptr : &*found;
}

void ArchiveVisitor::on_framed(FramedRows rows) {
  const std::string held = std::move(rows.chunks);
  std::string_view chunks = held;
  while (!chunks.empty()) {
    const auto size = static_cast<std::size_t>(decode_int(chunks).value());
    on_bytes(chunks.substr(kIntSize, size));
    chunks.remove_prefix(kIntSize + size);
  }
}

// Small chunks, of which pg_dump writes one a row, are gathered and passed on together: the
// visitors behind are called once for many rows.
struct ArchiveParser::State {
  enum class Phase { kHeader, kBlockType, kDumpId, kObject, kChunkLength, kChunk, kTocAgain };

  explicit State(ArchiveVisitor& to) : visitor(to) { gathered.reserve(kGathered); }

  void write(std::string_view bytes);
  void finish();

 private:
  bool step();
  bool read_header();
  bool read_block_type();
  bool read_dump_id();
  bool read_object();
  bool read_chunks();
  bool read_chunk_length();
  bool ends_with_toc();
  bool read_toc_again();
  void pass(std::string_view contents);
  void flush();
  void end_block();

  std::optional<int> number();
  std::uint64_t position() const { return end - in.size(); }
  [[noreturn]] void corrupt(std::string_view cause) const;

  struct Block {
    const TocEntry* entry;
    bool seen = false;
    std::uint64_t at = 0;  // where it stands, when seen
  };

  ArchiveVisitor& visitor;
  HeaderDecoder decoder;
  ArchiveHeader header;
  std::unordered_map<int, Block> blocks;  // by dump id: those that must come
  Phase phase = Phase::kHeader;
  std::string_view in;    // what is left of the piece being written
  std::uint64_t end = 0;  // position in the archive after that piece
  std::string split;      // the start of a number that the last piece was cut in
  std::uint64_t block_at = 0;
  bool large_objects = false;
  const TocEntry* entry = nullptr;  // of the block being read
  std::size_t left = 0;             // bytes left of the chunk
  std::string gathered;
  EndMarker marker;
  std::string toc_again;       // what it must be
  std::size_t toc_passed = 0;  // bytes of it that came
};

void ArchiveParser::State::write(std::string_view bytes) {
  in = bytes;
  end += bytes.size();
  while (!in.empty() && step()) {
  }
}

// False when the piece is used up inside an item.
bool ArchiveParser::State::step() {
  switch (phase) {
    case Phase::kHeader:
      return read_header();
    case Phase::kBlockType:
      return read_block_type();
    case Phase::kDumpId:
      return read_dump_id();
    case Phase::kObject:
      return read_object();
    case Phase::kChunkLength:
    case Phase::kChunk:
      return read_chunks();
    case Phase::kTocAgain:
      return read_toc_again();
  }
  return false;
}

bool ArchiveParser::State::read_header() {
  in.remove_prefix(decoder.add(in));
  if (!decoder.done()) return false;
  header = decoder.take();
  for (const TocEntry& each : header.toc) {
    if (each.has_data && each.offset.state != DataOffset::State::kNoData) {
      blocks.emplace(each.dump_id, Block{&each});
    }
  }
  phase = Phase::kBlockType;
  visitor.on_header(header);
  return true;
}

bool ArchiveParser::State::read_block_type() {
  const char type = in.front();
  if (type != kTableBlock && type != kLargeObjectBlock) {
    if (ends_with_toc()) return true;
    corrupt(fmt::format("block type {}", static_cast<unsigned char>(type)));
  }
  block_at = position();
  large_objects = type == kLargeObjectBlock;
  in.remove_prefix(1);
  phase = Phase::kDumpId;
  return true;
}

// pg_dump means to write its table of contents, which now has the blocks' positions, over the first
// one; but its standard output is then open for appending (InitCompressFileHandle("ab") of a copy
// of the descriptor, pg_backup_archiver.c). Nobody reads that, so only equal bytes pass.
bool ArchiveParser::State::ends_with_toc() {
  ArchiveHeader again = header;
  for (TocEntry& each : again.toc) {
    const auto block = blocks.find(each.dump_id);
    if (block == blocks.end()) continue;
    if (!block->second.seen || each.offset.state == DataOffset::State::kSet) return false;
    each.offset = {DataOffset::State::kSet, block->second.at};
  }
  toc_again = encode_toc(again, TocTime::kAgain);
  phase = Phase::kTocAgain;
  return true;
}

bool ArchiveParser::State::read_toc_again() {
  const std::string_view rest = std::string_view(toc_again).substr(toc_passed);
  if (rest.empty()) corrupt("more bytes after the table of contents at the end");
  const std::string_view piece = in.substr(0, rest.size());
  const auto [differs, expected] = std::mismatch(piece.begin(), piece.end(), rest.begin());
  const auto size = static_cast<std::size_t>(differs - piece.begin());
  in.remove_prefix(size);
  toc_passed += size;
  if (size < piece.size()) corrupt("neither a block nor the table of contents once more");
  return true;
}

bool ArchiveParser::State::read_dump_id() {
  const std::optional<int> id = number();
  if (!id) return false;
  const auto found = blocks.find(*id);
  if (found == blocks.end()) corrupt(fmt::format("a block of entry {}, which has no data", *id));
  Block& block = found->second;
  if (std::exchange(block.seen, true)) corrupt(fmt::format("a second block of entry {}", *id));
  block.at = block_at;
  entry = block.entry;
  const bool fits = large_objects ? entry->holds_large_objects() : entry->desc == kTableData;
  if (!fits) {
    corrupt(fmt::format("the block of entry {} is of the wrong type", *id));
  }
  const DataOffset& offset = entry->offset;
  if (offset.state == DataOffset::State::kSet && offset.position != block_at) {
    corrupt(fmt::format("the block of entry {} should start at byte {}", *id, offset.position));
  }
  marker = EndMarker();
  phase = large_objects ? Phase::kObject : Phase::kChunkLength;
  visitor.on_block_begin(*entry);
  return true;
}

bool ArchiveParser::State::read_object() {
  const std::optional<int> oid = number();
  if (!oid) return false;
  if (*oid == 0) {
    end_block();
    return true;
  }
  phase = Phase::kChunkLength;
  visitor.on_large_object(static_cast<std::uint32_t>(*oid));
  return true;
}

// The inner loop: runs once for each row of an archive.
bool ArchiveParser::State::read_chunks() {
  for (;;) {
    if (phase == Phase::kChunkLength && !read_chunk_length()) return false;
    if (phase != Phase::kChunk) return true;
    const std::size_t size = std::min(left, in.size());
    pass(in.substr(0, size));
    in.remove_prefix(size);
    left -= size;
    if (left > 0) return false;
    phase = Phase::kChunkLength;
  }
}

bool ArchiveParser::State::read_chunk_length() {
  const std::optional<int> length = number();
  if (!length) return false;
  if (*length < 0 || *length > kMaxChunk) corrupt(fmt::format("a chunk of {} bytes", *length));
  left = static_cast<std::size_t>(*length);
  if (left > 0) {
    phase = Phase::kChunk;
  } else if (large_objects) {
    flush();
    phase = Phase::kObject;
  } else {
    end_block();
  }
  return true;
}

void ArchiveParser::State::pass(std::string_view contents) {
  if (gathered.size() + contents.size() > kGathered) flush();
  if (contents.size() <= kSmallChunk) {
    gathered.append(contents);
    return;
  }
  flush();
  marker.add(contents);
  visitor.on_bytes(contents);
}

void ArchiveParser::State::flush() {
  if (gathered.empty()) return;
  marker.add(gathered);
  visitor.on_bytes(gathered);
  gathered.clear();
}

void ArchiveParser::State::end_block() {
  flush();
  if (header.compression == 0 && entry->has_copy_text() && !marker.at_end()) {
    corrupt(fmt::format("the data of entry {} ends without the end marker", entry->dump_id));
  }
  entry = nullptr;
  phase = Phase::kBlockType;
  visitor.on_block_end();
}

// The next number, which may be spread over pieces; nothing when the piece is used up before its
// end.
std::optional<int> ArchiveParser::State::number() {
  std::string_view bytes = in;
  if (split.empty() && in.size() >= kIntSize) {
    in.remove_prefix(kIntSize);
  } else {
    const std::size_t size = std::min(kIntSize - split.size(), in.size());
    split.append(in.substr(0, size));
    in.remove_prefix(size);
    if (split.size() < kIntSize) return std::nullopt;
    bytes = split;
  }
  const std::optional<int> value = decode_int(bytes);
  if (!value) corrupt("not a number");
  split.clear();
  return value;
}

void ArchiveParser::State::finish() {
  if (phase == Phase::kHeader) corrupt("cut off inside the header");
  if (phase == Phase::kTocAgain && toc_passed < toc_again.size()) {
    corrupt("cut off inside the table of contents at the end");
  }
  if (phase != Phase::kBlockType && phase != Phase::kTocAgain) corrupt("cut off inside a block");
  for (const auto& [id, block] : blocks) {
    if (!block.seen) corrupt(fmt::format("the block of entry {} is missing", id));
  }
}

void ArchiveParser::State::corrupt(std::string_view cause) const {
  throw Corrupt(fmt::format("archive: byte {}: {}", position(), cause));
}

ArchiveParser::ArchiveParser(ArchiveVisitor& visitor) : state_(std::make_unique<State>(visitor)) {}

ArchiveParser::~ArchiveParser() = default;

void ArchiveParser::write(std::string_view bytes) { state_->write(bytes); }

void ArchiveParser::finish() { state_->finish(); }

}  // namespace pgstow::pg
