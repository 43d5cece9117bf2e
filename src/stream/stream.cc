#include "stream/stream.h"

#include <vector>

namespace pgstow {

std::uint64_t copy(Source& from, Sink& to) {
  std::vector<char> buffer(std::size_t{256} << 10);
  std::uint64_t bytes = 0;
  while (const std::size_t n = from.read(buffer)) {
    to.write({buffer.data(), n});
    bytes += n;
  }
  return bytes;
}

}  // namespace pgstow
