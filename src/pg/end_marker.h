// The line `\.` that ends the COPY text of every table in an archive, and the two empty lines that
// pg_dump writes after it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace pgstow::pg {

inline constexpr std::string_view kEndMarker = "\\.\n\n\n";

// Watches text go by and knows whether the marker, as lines of their own, is what came last.
class EndMarker {
 public:
  void add(std::string_view text) {
    if (text.size() < kSize) {
      const std::size_t keep = std::min(tail_.size(), kSize - text.size());
      tail_.erase(0, tail_.size() - keep);
      tail_.append(text);
    } else {
      tail_.assign(text.substr(text.size() - kSize));
    }
  }

  bool at_end() const {
    return tail_.ends_with(kEndMarker) && (tail_.size() < kSize || tail_.front() == '\n');
  }

 private:
  static constexpr std::size_t kSize = kEndMarker.size() + 1;
  std::string tail_;  // the last bytes, at most kSize
};

}  // namespace pgstow::pg
