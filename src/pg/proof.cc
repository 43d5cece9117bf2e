#include "pg/proof.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {

namespace {

constexpr std::string_view kEndLine = "\\.";
constexpr std::size_t kMostKept = 64 << 10;  // of an unfinished row, before it is hashed by pieces

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

struct RowHasher::Long {
  Long() : state(XXH3_createState(), &XXH3_freeState) {
    if (state == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(state.get());
  }
  void add(std::string_view piece) {
    XXH3_128bits_update(state.get(), piece.data(), piece.size());
    bytes += piece.size();
  }

  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state;
  std::uint64_t bytes = 0;
};

RowHasher::RowHasher() = default;
RowHasher::RowHasher(RowHasher&&) noexcept = default;
RowHasher& RowHasher::operator=(RowHasher&&) noexcept = default;
RowHasher::~RowHasher() = default;

void RowHasher::add(std::string_view copy_text) {
  while (!ended_) {
    const std::size_t end = copy_text.find('\n');
    if (end == std::string_view::npos) {
      add_piece(copy_text);
      return;
    }
    end_row(copy_text.substr(0, end));
    copy_text.remove_prefix(end + 1);
  }
}

void RowHasher::add_piece(std::string_view piece) {
  if (long_ == nullptr && partial_.size() + piece.size() <= kMostKept) {
    partial_.append(piece);
    return;
  }
  if (long_ == nullptr) {
    long_ = std::make_unique<Long>();
    long_->add(partial_);
    partial_.clear();
  }
  long_->add(piece);
}

void RowHasher::end_row(std::string_view last_piece) {
  if (long_ != nullptr) {
    long_->add(last_piece);
    const XXH128_hash_t hash = XXH3_128bits_digest(long_->state.get());
    ++proof_.rows;
    proof_.bytes += long_->bytes + 1;
    proof_.digest += {hash.high64, hash.low64};
    long_.reset();
  } else if (partial_.empty()) {
    add_row(last_piece);
  } else {
    partial_.append(last_piece);
    add_row(partial_);
    partial_.clear();
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
  if (!partial_.empty() || long_ != nullptr) {
    throw Corrupt(fmt::format("table data: ends inside row {}", proof_.rows + 1));
  }
  return std::exchange(proof_, {});
}

}  // namespace pgstow::pg
