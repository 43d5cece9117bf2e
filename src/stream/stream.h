// The two ways bytes move: pulled from a Source, pushed into a Sink.
//
// Both are single-threaded. Bytes are passed as std::string_view (views of raw bytes, not of text)
// and are lent for the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pgstow {

class Source {
 public:
  virtual ~Source() = default;

  // Reads at least one byte and at most into.size() (> 0). Returns 0 only at the end of a stream
  // that was complete and sound: the child ended well, the length was right, every checksum held.
  // Whatever else happens is thrown. After the end it goes on returning 0.
  virtual std::size_t read(std::span<char> into) = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;

  virtual void write(std::string_view bytes) = 0;

  // After the last write: returns only when everything is durable and visible at the final place.
  // Filters finish the sink below them. A sink destroyed without finish() leaves no trace.
  virtual void finish() = 0;
};

// Moves everything; does not call to.finish(). Returns the number of bytes.
std::uint64_t copy(Source& from, Sink& to);

}  // namespace pgstow
