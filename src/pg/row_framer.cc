#include "pg/row_framer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "pg/archive_encoding.h"

namespace pgstow::pg {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::size_t kFull = kPiece - kChunkBytes / 2;

}  // namespace

RowFramer::RowFramer(Out out) : out_(std::move(out)) {}

void RowFramer::add(std::string_view row) {
  if (!row.ends_with('\n')) throw Error("the server sent a row without its end");
  if (chunk_ > 0 && chunk_ + row.size() > kChunkBytes) end_chunk();
  for (std::string_view rest = row; !rest.empty();) {
    const std::string_view part = rest.substr(0, kChunkBytes);
    rest.remove_prefix(part.size());
    append(part);
    if (!rest.empty()) end_chunk();
  }
  proof_ += {.rows = 1, .bytes = row.size(), .digest = digest_of(row.substr(0, row.size() - 1))};
}

// A chunk's length, not known yet, is left open in front of it.
void RowFramer::append(std::string_view part) {
  if (raw_.empty()) raw_.reserve(kPiece + kChunkBytes);
  if (chunk_ == 0) raw_.resize(raw_.size() + kIntSize);
  raw_ += part;
  chunk_ += part.size();
}

void RowFramer::end_chunk() {
  std::string length;
  append_int(length, static_cast<int>(chunk_));
  raw_.replace(raw_.size() - chunk_ - kIntSize, kIntSize, length);
  chunk_ = 0;
  if (raw_.size() >= kFull) end_piece();
}

void RowFramer::end_piece() {
  FramedRows rows{.chunks = std::exchange(raw_, {}), .proof = std::exchange(proof_, {})};
  rows_ += rows.proof.rows;
  out_(std::move(rows));
}

std::uint64_t RowFramer::finish() {
  if (chunk_ > 0) end_chunk();
  if (raw_.size() < raw_.capacity() / 2) raw_.shrink_to_fit();  // small tables are many
  if (!raw_.empty() || proof_.rows > 0) end_piece();
  return std::exchange(rows_, 0);
}

}  // namespace pgstow::pg
