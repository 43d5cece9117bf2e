#include "stream/pack.h"

#include <algorithm>
#include <utility>

#include "stream/gzip.h"
#include "stream/zstd.h"

namespace pgstow {

std::string pack_block(std::string_view raw, const Compression& compression) {
  return compression.format == Compression::Format::kZstd ? zstd_frame(raw, compression.level)
                                                          : gzip_member(raw, compression.level);
}

Packer::Packer(Sink& to, Compression compression, unsigned workers, std::size_t block_bytes)
    : to_(to),
      compression_(compression),
      block_bytes_(std::clamp(block_bytes, std::size_t{1}, kMaxBlockBytes)),
      most_pending_(2 * std::size_t{std::max(workers, 1U)} + 1),
      stage_(workers) {
  block_.reserve(block_bytes_);
}

void Packer::count(std::string_view bytes) {
  bytes_in_ += bytes.size();
  hash_in_.update(bytes);
}

void Packer::write(std::string_view bytes) {
  count(bytes);
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, block_bytes_ - block_.size());
    block_ += part;
    bytes.remove_prefix(part.size());
    if (block_.size() == block_bytes_) submit_open_block();
  }
}

void Packer::write_block(std::string block) {
  if (block.size() < block_bytes_ / 2) {
    write(block);
    return;
  }
  count(block);
  if (!block_.empty()) submit_open_block();
  submit(std::move(block));
}

void Packer::finish() {
  if (!block_.empty()) submit_open_block();
  submit({});  // the end mark
  while (stage_.pending() > 0) write_next();
  digest_in_ = hash_in_.finish();
  to_.finish();
}

void Packer::submit_open_block() {
  submit(std::exchange(block_, {}));
  block_.reserve(block_bytes_);
}

void Packer::submit(std::string block) {
  if (stage_.pending() == most_pending_) write_next();
  raw_pending_.push_back(block.size());
  stage_.submit([block = std::move(block), compression = compression_] {
    return pack_block(block, compression);
  });
}

void Packer::write_next() {
  const std::string packed = stage_.next();
  const std::size_t raw_bytes = raw_pending_.front();
  raw_pending_.pop_front();
  write_member(packed, raw_bytes);
}

void Packer::write_member(std::string_view packed, std::size_t raw_bytes) {
  for (; !unplaced_.empty() && unplaced_.front() < raw_written_ + raw_bytes;
       unplaced_.pop_front()) {
    marks_.push_back(
        {.at = unplaced_.front(), .member_at = raw_written_, .member_stored = stored_});
  }
  to_.write(packed);
  raw_written_ += raw_bytes;
  stored_ += packed.size();
}

}  // namespace pgstow
