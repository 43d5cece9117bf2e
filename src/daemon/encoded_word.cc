#include "daemon/encoded_word.h"

#include <algorithm>

#include "base/text.h"
#include "store/s3_digest.h"

namespace pgstow {
namespace {

// "=?UTF-8?B?" and "?=" leave 63 of 75 characters, which are 15 groups of base64.
constexpr std::size_t kMostBytes = 45;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::string encoded_words(std::string_view text, std::string_view between) {
  const std::string clean = printable(text);
  if (is_ascii(clean) && clean.find("=?") == std::string::npos) return clean;
  std::string words;
  for (std::size_t at = 0; at < clean.size();) {
    std::size_t end = at;
    while (end < clean.size()) {
      const std::size_t next = utf8_length(std::string_view(clean).substr(end));
      if (end + next - at > kMostBytes) break;
      end += next;
    }
    if (at > 0) words += between;
    words += "=?UTF-8?B?" + base64(clean.substr(at, end - at)) + "?=";
    at = end;
  }
  return words;
}

}  // namespace pgstow
