#include "pg/archive_writer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "pg/archive_encoding.h"
#include "pg/end_marker.h"

namespace pgstow::pg {

namespace {

// A chunk is cut only when more bytes than this are there: the end marker, if it is what came last,
// then always stays whole in what is left.
constexpr std::size_t kFull = kChunkBytes + kEndMarker.size();

bool has_offset(const TocEntry& entry) { return entry.offset.state == DataOffset::State::kSet; }

bool has_offsets(const ArchiveHeader& header) {
  return std::ranges::any_of(header.toc, has_offset);
}

ArchiveHeader without_offsets(ArchiveHeader header) {
  for (TocEntry& entry : header.toc) {
    if (has_offset(entry)) entry.offset = {DataOffset::State::kNotSet, 0};
  }
  return header;
}

std::string number(int value) {
  std::string bytes;
  append_int(bytes, value);
  return bytes;
}

}  // namespace

ArchiveWriter::ArchiveWriter(Sink& to) : to_(to) { chunk_.reserve(kFull); }

ArchiveWriter::ArchiveWriter(Packer& to) : ArchiveWriter(static_cast<Sink&>(to)) { packer_ = &to; }

void ArchiveWriter::on_header(const ArchiveHeader& header) {
  const std::string bytes =
      has_offsets(header) ? encode_header(without_offsets(header)) : encode_header(header);
  if (bytes.size() > kMostHeaderBytes) {
    throw Error("header and table of contents are larger than 1 GiB",
                "of very many large objects? pg_dump from 17 on takes a thousandth of an entry for "
                "each (--pg-bin)");
  }
  to_.write(bytes);
}

void ArchiveWriter::on_block_begin(const TocEntry& entry) {
  large_objects_ = entry.holds_large_objects();
  if (packer_ != nullptr) {
    packer_->mark();
    blocks_.push_back({.dump_id = entry.dump_id, .begin = packer_->bytes_in()});
  }
  std::string start(1, large_objects_ ? kLargeObjectBlock : kTableBlock);
  append_int(start, entry.dump_id);
  to_.write(start);
}

void ArchiveWriter::on_large_object(std::uint32_t oid) {
  if (std::exchange(in_object_, true)) end_chunks();
  std::string start;
  append_oid(start, oid);
  to_.write(start);
}

void ArchiveWriter::on_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(kFull - chunk_.size(), bytes.size());
    chunk_.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (chunk_.size() == kFull) write_full_chunk();
  }
}

void ArchiveWriter::on_framed(FramedRows rows) {
  if (packer_ == nullptr) {
    ArchiveVisitor::on_framed(std::move(rows));
    return;
  }
  write_chunk(chunk_);
  chunk_.clear();
  packer_->write_block(std::move(rows.chunks));
}

// The contents of a compressed block have newlines, too: cutting there does no harm.
void ArchiveWriter::write_full_chunk() {
  std::size_t size = kChunkBytes;
  if (!large_objects_) {
    const std::size_t row_end = std::string_view(chunk_).substr(0, kChunkBytes).rfind('\n');
    if (row_end != std::string_view::npos) size = row_end + 1;
  }
  write_chunk(std::string_view(chunk_).substr(0, size));
  chunk_.erase(0, size);
}

void ArchiveWriter::write_chunk(std::string_view contents) {
  if (contents.empty()) return;
  to_.write(number(static_cast<int>(contents.size())));
  to_.write(contents);
}

void ArchiveWriter::end_chunks() {
  const std::string_view rest = chunk_;
  const bool marked = !large_objects_ && rest.ends_with(kEndMarker);
  const std::size_t cut = rest.size() - (marked ? kEndMarker.size() : 0);
  write_chunk(rest.substr(0, cut));
  write_chunk(rest.substr(cut));
  chunk_.clear();
  to_.write(number(0));
}

void ArchiveWriter::on_block_end() {
  if (!large_objects_ || std::exchange(in_object_, false)) end_chunks();
  if (large_objects_) to_.write(number(0));
  if (packer_ != nullptr) blocks_.back().bytes = packer_->bytes_in() - blocks_.back().begin;
}

}  // namespace pgstow::pg
