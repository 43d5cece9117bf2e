// The custom format's numbers as bytes: a sign byte and four bytes of magnitude, little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgstow::pg {

inline constexpr std::size_t kIntSize = 5;
inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;  // of data, as we write it
inline constexpr char kTableBlock = 1;
inline constexpr char kLargeObjectBlock = 3;

void append_int(std::string& to, int value);

// OIDs go through a C int: those from 2^31 up are written as negative numbers.
inline void append_oid(std::string& to, std::uint32_t oid) {
  append_int(to, static_cast<int>(oid));
}

// The number in the first kIntSize bytes, which must be there; nothing when they are no number that
// pg_dump could have written.
inline std::optional<int> decode_int(std::string_view bytes) {
  const char* from = bytes.data();
  std::uint32_t magnitude = 0;
  for (std::size_t i = kIntSize - 1; i > 0; --i) {
    magnitude = magnitude << 8 | static_cast<unsigned char>(from[i]);
  }
  if (from[0] == 0 && magnitude <= INT32_MAX) return static_cast<int>(magnitude);
  if (from[0] == 1 && magnitude != 0 && magnitude <= 1U + INT32_MAX) {
    return static_cast<int>(0U - magnitude);
  }
  return std::nullopt;
}

}  // namespace pgstow::pg
