#include "pg/block_inflater.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <new>
#include <utility>

#include "base/error.h"
#include "pg/end_marker.h"

namespace pgstow::pg {

namespace {

bool is_zlib(const ArchiveHeader& header) {
  return header.minor < 15 ? header.compression != 0 : header.compression == 1;
}

}  // namespace

// One zlib stream after the other, in the same memory.
struct BlockInflater::Stream {
  Stream() {
    if (inflateInit(&zlib) != Z_OK) throw std::bad_alloc();
  }
  Stream(const Stream&) = delete;
  ~Stream() { inflateEnd(&zlib); }

  z_stream zlib{};
  bool begun = false;
  bool ended = false;
  EndMarker marker;
  std::array<char, std::size_t{64} << 10> out{};
};

BlockInflater::BlockInflater(ArchiveVisitor& next) : next_(next) {}

BlockInflater::~BlockInflater() = default;

void BlockInflater::on_header(const ArchiveHeader& header) {
  if (!is_zlib(header)) {
    next_.on_header(header);
    return;
  }
  stream_ = std::make_unique<Stream>();
  plain_ = header;
  plain_.compression = 0;
  next_.on_header(plain_);
}

void BlockInflater::on_block_begin(const TocEntry& entry) {
  entry_ = &entry;
  next_.on_block_begin(entry);
}

void BlockInflater::on_large_object(std::uint32_t oid) {
  if (stream_) end_stream();
  next_.on_large_object(oid);
}

void BlockInflater::on_bytes(std::string_view bytes) {
  if (!stream_) {
    next_.on_bytes(bytes);
    return;
  }
  z_stream& zlib = stream_->zlib;
  // zlib only reads there; its field is not const for historical reasons.
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  stream_->begun = true;
  do {
    if (stream_->ended) corrupt("data after the end of the compressed stream");
    zlib.next_out = reinterpret_cast<Bytef*>(stream_->out.data());
    zlib.avail_out = static_cast<uInt>(stream_->out.size());
    const int result = inflate(&zlib, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      corrupt(zlib.msg != nullptr ? zlib.msg : "the compressed stream is damaged");
    }
    stream_->ended = result == Z_STREAM_END;
    const std::string_view plain(stream_->out.data(), stream_->out.size() - zlib.avail_out);
    stream_->marker.add(plain);
    if (!plain.empty()) next_.on_bytes(plain);
  } while (zlib.avail_in > 0 || (zlib.avail_out == 0 && !stream_->ended));
}

// An empty large object may have no stream at all.
void BlockInflater::end_stream() {
  if (stream_->begun && !stream_->ended) corrupt("the compressed stream is cut off");
  inflateReset(&stream_->zlib);
  stream_->begun = false;
  stream_->ended = false;
}

void BlockInflater::on_block_end() {
  if (stream_) {
    end_stream();
    const EndMarker marker = std::exchange(stream_->marker, {});
    if (entry_->has_copy_text() && !marker.at_end()) corrupt("no end marker");
  }
  next_.on_block_end();
}

void BlockInflater::corrupt(std::string_view cause) const {
  throw Corrupt(fmt::format("archive: the data of entry {}: {}", entry_->dump_id, cause));
}

}  // namespace pgstow::pg
