#include "stream/packed_reader.h"

#include <algorithm>

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

}  // namespace

std::string_view PackedReader::peek(std::size_t bytes) {
  while (end_ - begin_ < bytes) {
    if (begin_ > 0) {
      std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() < std::max(bytes, kReadBytes)) buffer_.resize(std::max(bytes, kReadBytes));
    const std::size_t n = from_.read(std::span(buffer_).subspan(end_));
    if (n == 0) break;
    end_ += n;
  }
  return buffered();
}

void PackedReader::consume(std::size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

std::string PackedReader::take(std::size_t bytes) {
  std::string taken;
  taken.reserve(bytes);
  while (taken.size() < bytes) {
    const std::string_view part = peek(1).substr(0, bytes - taken.size());
    if (part.empty()) break;
    taken += part;
    consume(part.size());
  }
  return taken;
}

}  // namespace pgstow
