// The proof: what a table held at the snapshot, as a row count and an order-free digest.
//
// The digest is the sum modulo 2^128 of the XXH3-128 (xxHash 0.8, seed 0) of each row, a row being
// one line of PostgreSQL's COPY text format without its newline. Addition makes it independent of
// the rows' order, which no restore keeps. It proves equality of honest data; malice is answered by
// the manifest's own SHA-256.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pgstow::pg {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  Digest& operator+=(const Digest& other);  // modulo 2^128
  bool operator==(const Digest&) const = default;
};

// 32 lower-case hexadecimal digits, most significant first.
std::string to_string(const Digest& digest);
// Throws Corrupt when the text is not exactly that.
Digest parse_digest(std::string_view text);

// The digest of one row, or of any bytes.
Digest digest_of(std::string_view row);

struct Proof {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of COPY text, newlines included
  Digest digest;

  Proof& operator+=(const Proof& other);
  bool operator==(const Proof&) const = default;
};

// Takes COPY text in pieces of any size and adds up the proof of its rows. Rows end at raw
// newlines, which COPY never leaves unescaped in data, whatever the client encoding.
// Memory is bounded, however long a row is. Single-threaded.
class RowHasher {
 public:
  RowHasher();
  RowHasher(RowHasher&&) noexcept;
  RowHasher& operator=(RowHasher&&) noexcept;
  ~RowHasher();

  // Stops counting at the end marker (a line `\.`); what follows it is ignored.
  void add(std::string_view copy_text);
  // Throws Corrupt when the text ended inside a row.
  Proof finish();
  const Proof& so_far() const { return proof_; }

 private:
  struct Long;  // a row that came in pieces and is too long to be kept: its hash so far
  void add_row(std::string_view row);
  void add_piece(std::string_view piece);
  void end_row(std::string_view last_piece);

  Proof proof_;
  std::string partial_;  // the start of a row whose end is still to come
  std::unique_ptr<Long> long_;
  bool ended_ = false;
};

}  // namespace pgstow::pg
