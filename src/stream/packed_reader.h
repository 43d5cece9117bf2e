// A source with a buffer in front: bytes can be looked at before they are taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "stream/stream.h"

namespace pgstow {

class PackedReader {
 public:
  explicit PackedReader(Source& from) : from_(from) {}

  // Everything buffered: at least `bytes`, unless the source ends before; empty only at its (sound)
  // end. Valid until the next call of peek() or take().
  std::string_view peek(std::size_t bytes);

  // Drops bytes that peek() showed.
  void consume(std::size_t bytes);

  // The next `bytes`, fewer only if the source ends before.
  std::string take(std::size_t bytes);

  // Of the next byte in the source.
  std::uint64_t offset() const { return offset_; }

 private:
  std::string_view buffered() const {
    return std::string_view(buffer_).substr(begin_, end_ - begin_);
  }

  Source& from_;
  std::string buffer_;  // [begin_, end_) is not consumed yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace pgstow
