// How a backup is compressed, as the user says it: "gzip:2", "zstd:3".
#pragma once

#include <string>
#include <string_view>

namespace pgstow {

struct Compression {
  enum class Format { kGzip, kZstd };
  Format format = Format::kGzip;
  int level = 4;

  bool operator==(const Compression&) const = default;
};

// "gzip" (level 2), "gzip:1" to "gzip:12", "zstd" (level 3), "zstd:1" to "zstd:19". Throws
// ConfigError with a hint.
Compression parse_compression(std::string_view text);

// The form that parse_compression() reads, always with the level.
std::string to_string(const Compression& compression);

// What a file name ends with: ".gz" or ".zst".
std::string_view suffix(const Compression& compression);

}  // namespace pgstow
