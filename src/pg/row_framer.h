// Rows on their way into an archive: cut into chunks and hashed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "pg/archive.h"

namespace pgstow::pg {

// Takes a table's rows and hands over pieces of about 1 MiB. Chunks are 256 KiB at most, and end
// with a row where a row fits. Single-threaded; the work is done in the calling thread.
class RowFramer {
 public:
  using Out = std::function<void(FramedRows)>;
  explicit RowFramer(Out out);

  // One whole row of COPY text with its newline; throws Error for anything else.
  void add(std::string_view row);
  // Hands over what is left and returns how many rows there were. May be used again then.
  std::uint64_t finish();

 private:
  void append(std::string_view part);
  void end_chunk();
  void end_piece();

  const Out out_;
  std::string raw_;         // chunks, the last one open
  std::size_t chunk_ = 0;   // bytes of the open one; 0: none is open
  Proof proof_;             // of the rows that end in raw_
  std::uint64_t rows_ = 0;  // handed over
};

}  // namespace pgstow::pg
