#include "pg/row_framer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "pg/archive_encoding.h"

namespace pgstow::pg {
namespace {

struct Framed {
  std::string raw;
  std::string text;  // the chunks' contents
  std::size_t longest_chunk = 0;
  std::size_t longest_piece = 0;
  std::size_t open_ends = 0;  // chunks that end inside a row
  Proof proof;
  std::uint64_t rows = 0;
};

void take(Framed& into, const FramedRows& piece) {
  into.raw += piece.chunks;
  into.longest_piece = std::max(into.longest_piece, piece.chunks.size());
  into.proof += piece.proof;
  for (std::string_view rest = piece.chunks; !rest.empty();) {
    const auto size = static_cast<std::size_t>(decode_int(rest).value());
    const std::string_view chunk = rest.substr(kIntSize, size);
    into.text += chunk;
    into.longest_chunk = std::max(into.longest_chunk, chunk.size());
    into.open_ends += chunk.ends_with('\n') ? 0 : 1;
    rest.remove_prefix(kIntSize + size);
  }
}

Framed frame(const std::vector<std::string>& rows) {
  Framed framed;
  RowFramer framer([&](const FramedRows& piece) { take(framed, piece); });
  for (const std::string& row : rows) framer.add(row);
  framed.rows = framer.finish();
  return framed;
}

Framed checked(const std::vector<std::string>& rows) {
  Framed framed = frame(rows);
  std::string text;
  RowHasher hasher;
  for (const std::string& row : rows) {
    text += row;
    hasher.add(row);
  }
  EXPECT_EQ(framed.rows, rows.size());
  EXPECT_TRUE(framed.text == text);
  EXPECT_EQ(framed.proof, hasher.finish());
  EXPECT_LE(framed.longest_chunk, kChunkBytes);
  EXPECT_LE(framed.longest_piece, (1U << 20) + kChunkBytes);
  return framed;
}

TEST(RowFramer, CutsBetweenRowsIntoPiecesOfAMebibyte) {
  const Framed framed = checked(std::vector<std::string>(100'000, "123\tsome text\t2026-11-27\n"));
  EXPECT_EQ(framed.open_ends, 0U);
  EXPECT_GT(framed.longest_chunk, kChunkBytes - 30);
  EXPECT_GT(framed.longest_piece, 1'000'000U);
}

TEST(RowFramer, CutsALongRowInItsMiddleAndGoesOn) {
  const Framed framed =
      checked({"a\n", std::string(3'000'000, 'x') + "\n", "b\n", std::string(400'000, 'y') + "\n"});
  EXPECT_GT(framed.open_ends, 10U);
}

TEST(RowFramer, MakesNothingOfNothing) {
  EXPECT_EQ(checked({}).raw, "");
  EXPECT_EQ(checked({"\n", "\n"}).proof.rows, 2U);  // of a table without columns
}

TEST(RowFramer, RefusesAPartOfARow) {
  RowFramer framer([](const FramedRows&) {});
  EXPECT_THROW(framer.add("no end"), Error);
  EXPECT_THROW(framer.add(""), Error);
}

RC_GTEST_PROP(RowFramer, KeepsRowsOfAnyLength, ()) {
  std::vector<std::string> rows;
  const auto lengths = rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 200),
                                      rc::gen::inRange<std::size_t>(0, 700'000));
  for (const std::size_t length : *rc::gen::resize(
           8, rc::gen::container<std::vector<std::size_t>>(rc::gen::resize(100, lengths)))) {
    rows.push_back(std::string(length, 'r') + "\n");
  }
  static_cast<void>(checked(rows));
}

}  // namespace
}  // namespace pgstow::pg
