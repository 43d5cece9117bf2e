// Decoding one member (gzip) or frame (zstd) as a stream, whichever library does it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace pgstow {

class StreamDecoder {
 public:
  struct Step {
    std::size_t consumed;  // of the input; the rest must be offered again
    std::size_t produced;
    bool finished;  // the end of the member was reached and every check held; take no further step
  };

  virtual ~StreamDecoder() = default;

  // Decodes what it can. Throws Corrupt when the data is damaged. A step over empty input that is
  // not finished and produces nothing means that the input is cut short.
  virtual Step step(std::string_view in, std::span<char> out) = 0;
};

}  // namespace pgstow
