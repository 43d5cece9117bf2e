#include "daemon/text_limits.h"

#include <algorithm>

#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kEllipsis = "…";
constexpr std::size_t kEllipsisUnits = 1;

// A broken sequence counts as one character of one byte, so that every text comes to an end.
std::size_t character_bytes(std::string_view text) {
  return std::max<std::size_t>(utf8_length(text), 1);
}

// What lies beyond U+FFFF has four bytes, and two units.
std::size_t character_units(std::string_view text) { return character_bytes(text) == 4 ? 2 : 1; }

std::size_t in_bytes(std::string_view character) { return character_bytes(character); }

// The bytes of the longest start that measures at most `most`.
std::size_t fitting(std::string_view text, std::size_t most,
                    std::size_t (*measure)(std::string_view)) {
  std::size_t at = 0;
  std::size_t used = 0;
  while (at < text.size()) {
    const std::size_t next = measure(text.substr(at));
    if (used + next > most) break;
    used += next;
    at += character_bytes(text.substr(at));
  }
  return at;
}

std::string cut(std::string_view text, std::size_t most, std::size_t ellipsis,
                std::size_t (*measure)(std::string_view)) {
  if (fitting(text, most, measure) == text.size()) return std::string(text);
  if (most < ellipsis) return {};
  return std::string(text.substr(0, fitting(text, most - ellipsis, measure))).append(kEllipsis);
}

}  // namespace

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (std::size_t at = 0; at < text.size(); at += character_bytes(text.substr(at))) {
    units += character_units(text.substr(at));
  }
  return units;
}

std::string cut_to_utf16(std::string_view text, std::size_t most_units) {
  return cut(text, most_units, kEllipsisUnits, character_units);
}

std::string cut_to_bytes(std::string_view text, std::size_t most_bytes) {
  return cut(text, most_bytes, kEllipsis.size(), in_bytes);
}

std::string tail_of(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  if (most_bytes < kEllipsis.size()) return {};
  std::size_t from = text.size() - (most_bytes - kEllipsis.size());
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return std::string(kEllipsis).append(text.substr(from));
}

}  // namespace pgstow
