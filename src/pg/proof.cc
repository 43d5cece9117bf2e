#include "pg/proof.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {

namespace {

constexpr std::string_view kEndLine = "\\.";

std::uint64_t parse_half(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

Digest& Digest::operator+=(const Digest& other) {
  low += other.low;
  high += other.high + (low < other.low ? 1 : 0);
  return *this;
}

std::string to_string(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.high, digest.low);
}

Digest parse_digest(std::string_view text) {
  if (text.size() != 32 || !std::all_of(text.begin(), text.end(), is_lower_hex)) {
    throw Corrupt(fmt::format("digest '{}': not 32 lower-case hexadecimal digits",
                              printable(text.substr(0, 80))));
  }
  return {parse_half(text.substr(0, 16)), parse_half(text.substr(16))};
}

Digest digest_of(std::string_view row) {
  const XXH128_hash_t hash = XXH3_128bits(row.data(), row.size());
  return {hash.high64, hash.low64};
}

Proof& Proof::operator+=(const Proof& other) {
  rows += other.rows;
  bytes += other.bytes;
  digest += other.digest;
  return *this;
}

void RowHasher::add(std::string_view copy_text) {
  while (!ended_) {
    const std::size_t end = copy_text.find('\n');
    if (end == std::string_view::npos) {
      partial_.append(copy_text);
      return;
    }
    if (partial_.empty()) {
      add_row(copy_text.substr(0, end));
    } else {
      partial_.append(copy_text.substr(0, end));
      add_row(partial_);
      partial_.clear();
    }
    copy_text.remove_prefix(end + 1);
  }
}

void RowHasher::add_row(std::string_view row) {
  if (row == kEndLine) {
    ended_ = true;
    return;
  }
  ++proof_.rows;
  proof_.bytes += row.size() + 1;
  proof_.digest += digest_of(row);
}

Proof RowHasher::finish() {
  if (!partial_.empty()) {
    throw Corrupt(fmt::format("table data: ends inside row {}", proof_.rows + 1));
  }
  return std::exchange(proof_, {});
}

}  // namespace pgstow::pg
