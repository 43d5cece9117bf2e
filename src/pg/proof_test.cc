#include "pg/proof.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"

namespace pgstow::pg {
namespace {

using Wide = unsigned __int128;

Wide wide(const Digest& digest) { return Wide{digest.high} << 64 | digest.low; }

Proof proof_of(std::string_view text, std::size_t piece) {
  RowHasher hasher;
  for (std::size_t at = 0; at < text.size(); at += piece) hasher.add(text.substr(at, piece));
  return hasher.finish();
}

std::string lines(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += row + "\n";
  return text;
}

TEST(Digest, IsXxh3OfTheReferenceVectors) {
  // xxHash 0.8: `printf '' | xxh128sum`.
  EXPECT_EQ(to_string(digest_of("")), "99aa06d3014798d86001c324468d497f");
}

RC_GTEST_PROP(Digest, AddsModulo2To128,
              (std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d)) {
  Digest sum{a, b};
  sum += Digest{c, d};
  RC_ASSERT(wide(sum) == wide({a, b}) + wide({c, d}));
}

TEST(Digest, CarriesIntoTheUpperHalf) {
  Digest sum{0, UINT64_MAX};
  sum += Digest{0, 1};
  EXPECT_EQ(sum, (Digest{1, 0}));
  Digest all{UINT64_MAX, UINT64_MAX};
  all += Digest{0, 1};
  EXPECT_EQ(all, Digest());
}

RC_GTEST_PROP(Digest, IsReadBackFromItsText, (std::uint64_t high, std::uint64_t low)) {
  const Digest digest{high, low};
  RC_ASSERT(parse_digest(to_string(digest)) == digest);
}

TEST(Digest, RefusesOtherTexts) {
  for (const std::string text :
       {"", "0", "99aa06d3014798d86001c324468d497", "99aa06d3014798d86001c324468d497f0",
        "99AA06D3014798D86001C324468D497F", "99aa06d3014798d8 001c324468d497f",
        "+9aa06d3014798d86001c324468d497f"}) {
    EXPECT_THROW(parse_digest(text), Corrupt) << text;
  }
}

TEST(RowHasher, CountsRowsAndTheirBytes) {
  const Proof proof = proof_of("a\tb\n\nlast\n", 1000);
  EXPECT_EQ(proof.rows, 3U);
  EXPECT_EQ(proof.bytes, 10U);
  Digest sum = digest_of("a\tb");
  sum += digest_of("");
  sum += digest_of("last");
  EXPECT_EQ(proof.digest, sum);
}

TEST(RowHasher, HashesARowOfAnyLengthByPieces) {
  const std::string row(1'000'000, 'x');
  const std::string text = "a\n" + row + "\n" + std::string(65'536, 'y') + "\nb\n";
  const Proof whole = proof_of(text, SIZE_MAX / 2);
  Digest sum = digest_of("a");
  sum += digest_of(row);
  sum += digest_of(std::string(65'536, 'y'));
  sum += digest_of("b");
  EXPECT_EQ(whole.digest, sum);
  for (const std::size_t piece : {1000U, 65'535U, 65'536U, 65'537U, 700'000U})
    EXPECT_EQ(proof_of(text, piece), whole) << piece;
  RowHasher cut;
  cut.add(row);
  EXPECT_THROW(cut.finish(), Corrupt);
}

TEST(RowHasher, OfNothingIsNothing) { EXPECT_EQ(proof_of("", 1), Proof()); }

RC_GTEST_PROP(RowHasher, DependsNeitherOnPiecesNorOnTheOrderOfRows, ()) {
  auto rows = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::element('a', '\\', '.', '\t', '\xff', '\0')));
  std::erase(rows, "\\.");
  const Proof whole = proof_of(lines(rows), SIZE_MAX / 2);
  RC_ASSERT(whole.rows == rows.size());
  RC_ASSERT(proof_of(lines(rows), *rc::gen::inRange<std::size_t>(1, 9)) == whole);
  std::ranges::reverse(rows);
  RC_ASSERT(proof_of(lines(rows), SIZE_MAX / 2) == whole);
}

RC_GTEST_PROP(RowHasher, SeesAChangedRow, (std::string row)) {
  std::erase(row, '\n');
  RC_PRE(row != "\\." && row + "x" != "\\.");
  RC_ASSERT(proof_of(row + "x\n", 100).digest != proof_of(row + "\n", 100).digest);
}

TEST(RowHasher, SeesARowThatCameTwice) {
  EXPECT_NE(proof_of("a\na\nb\n", 9).digest, proof_of("a\nb\nb\n", 9).digest);
}

TEST(RowHasher, StopsAtTheEndMarker) {
  for (const std::size_t piece : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(proof_of("a\n\\.\n\n\n", piece), proof_of("a\n", piece));
    EXPECT_EQ(proof_of("\\\\.\n\\.\n", piece).rows, 1U);
  }
}

TEST(RowHasher, RefusesATextThatEndsInsideARow) {
  EXPECT_THROW(proof_of("a\nb", 100), Corrupt);
  EXPECT_THROW(proof_of("a\nb", 1), Corrupt);
  EXPECT_THROW(proof_of("a\n\\.", 1), Corrupt);
}

TEST(Proof, AddsUp) {
  Proof sum = proof_of("a\n", 9);
  sum += proof_of("b\n", 9);
  EXPECT_EQ(sum, proof_of("b\na\n", 9));
}

}  // namespace
}  // namespace pgstow::pg
