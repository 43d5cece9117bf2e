#include "stream/compression.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

struct Traits {
  Compression::Format format;
  std::string_view name;
  std::string_view suffix;
  int default_level;
  int max_level;
};

constexpr std::array kFormats{
    Traits{Compression::Format::kGzip, "gzip", ".gz", 2, 12},
    Traits{Compression::Format::kZstd, "zstd", ".zst", 3, 19},
};

const Traits& traits(Compression::Format format) {
  return kFormats[static_cast<std::size_t>(format)];
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw ConfigError(fmt::format("compression: \"{}\": {}", printable(text), why),
                    "use gzip:1 to gzip:12 (fast: 1 to 3, default: gzip:2), "
                    "or zstd:1 to zstd:19 (default: zstd:3)");
}

}  // namespace

Compression parse_compression(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  for (const Traits& known : kFormats) {
    if (name != known.name) continue;
    if (name.size() == text.size()) return {known.format, known.default_level};
    const std::optional<std::int64_t> level = parse_int(text.substr(name.size() + 1));
    if (!level || *level < 1 || *level > known.max_level) refuse(text, "no such level");
    return {known.format, static_cast<int>(*level)};
  }
  refuse(text, "no such format");
}

std::string to_string(const Compression& compression) {
  return fmt::format("{}:{}", traits(compression.format).name, compression.level);
}

std::string_view suffix(const Compression& compression) {
  return traits(compression.format).suffix;
}

}  // namespace pgstow
