// Any bytes as a packed file: both decoders end in Corrupt or with an answer, and agree on it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "stream/testing.h"
#include "stream/unpack.h"

namespace {

// Nothing when the file is corrupt, or when it is too long to be worth the time.
std::optional<std::string> unpacked(const std::string& packed, pgstow::Decoder decoder) {
  constexpr std::size_t kMostBytes = 8 << 20;
  pgstow::testing::StringSource source(packed, 1 + packed.size() / 3);
  std::string bytes;
  std::vector<char> buffer(50'000);
  try {
    const auto result = pgstow::open_unpacked(source, decoder, 1);
    while (const std::size_t n = result->read(buffer)) {
      bytes.append(buffer.data(), n);
      if (bytes.size() > kMostBytes) return std::nullopt;
    }
  } catch (const pgstow::Corrupt&) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string packed(reinterpret_cast<const char*>(data), size);
  const std::optional<std::string> fast = unpacked(packed, pgstow::Decoder::kFast);
  const std::optional<std::string> independent = unpacked(packed, pgstow::Decoder::kIndependent);
  if (fast && independent && *fast != *independent) std::abort();
  return 0;
}
