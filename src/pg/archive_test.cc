// Whole archives: real ones of pg_dump through parser, inflater, proof and writer.
#include "pg/archive.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "harness/program.h"
#include "pg/archive_fixtures.h"
#include "pg/archive_proof.h"
#include "pg/archive_writer.h"
#include "pg/block_inflater.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

ArchiveProof proof_of(std::string_view archive, std::size_t piece = SIZE_MAX) {
  ProofTaker taker;
  BlockInflater inflater(taker);
  parse(archive, inflater, piece);
  return taker.finish();
}

std::map<std::string, Proof> by_name(std::string_view archive) {
  std::map<std::string, Proof> named;
  const ArchiveHeader header = record(archive).header;
  for (const auto& [id, proof] : proof_of(archive).tables) named[header.find(id)->tag] = proof;
  return named;
}

std::string rewritten(std::string_view archive) {
  StringSink sink;
  ArchiveWriter writer(sink);
  parse(archive, writer);
  return sink.text;
}

std::string as_script(const std::string& archive) {
  return test::run_ok({.argv = {"pg_restore", "--restrict-key=x", "-f", "-"}, .input = archive});
}

void expect_equal(const ArchiveProof& a, const ArchiveProof& b) {
  EXPECT_EQ(a.tables, b.tables);
  EXPECT_EQ(a.large_objects, b.large_objects);
  EXPECT_EQ(a.complete, b.complete);
}

class Golden : public testing::TestWithParam<std::string_view> {};

TEST_P(Golden, IsReadTheSameInPieces) {
  const std::string archive = golden(GetParam());
  const Recorder whole = record(archive);
  EXPECT_FALSE(whole.order.empty());
  for (const std::size_t piece : {1U, 3U, 1000U}) {
    const Recorder pieces = record(archive, piece);
    EXPECT_TRUE(pieces.blocks == whole.blocks && pieces.objects == whole.objects) << piece;
    expect_equal(proof_of(archive, piece), proof_of(archive));
  }
}

TEST_P(Golden, RestoresTheSameAfterTheWriter) {
  const std::string archive = golden(GetParam());
  const std::string again = rewritten(archive);
  EXPECT_EQ(as_script(again), as_script(archive));
  expect_equal(proof_of(again), proof_of(archive));
  EXPECT_EQ(rewritten(again), again);
}

// Every byte of them costs a parse.
class DamagedGolden : public testing::TestWithParam<std::string_view> {};

TEST_P(DamagedGolden, IsCorruptWhereverItIsCut) {
  const std::string archive = golden(GetParam());
  for (std::size_t size = 0; size < archive.size(); ++size) {
    EXPECT_THROW(proof_of(std::string_view(archive).substr(0, size)), Corrupt) << size;
  }
}

TEST_P(DamagedGolden, SurvivesAnyFlippedBit) {
  std::string archive = golden(GetParam());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < archive.size(); ++at) {
    const char flipped = static_cast<char>(1 << at % 8);
    archive[at] = static_cast<char>(archive[at] ^ flipped);
    try {
      proof_of(archive);
    } catch (const Error&) {
      ++refused;
    }
    archive[at] = static_cast<char>(archive[at] ^ flipped);
  }
  EXPECT_GT(refused, archive.size() / 20);
}

INSTANTIATE_TEST_SUITE_P(Goldens, Golden, testing::ValuesIn(kGoldens));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // ten times slower
INSTANTIATE_TEST_SUITE_P(Goldens, DamagedGolden,
                         testing::Values("pg15-z0-file.dump", "pg15-z6-pipe.dump",
                                         "pg15-inserts.dump"));
#else
INSTANTIATE_TEST_SUITE_P(Goldens, DamagedGolden, testing::ValuesIn(kGoldens));
#endif

TEST(Archive, HoldsTheRowsOfTheGoldenDatabase) {
  std::map<std::string, std::uint64_t> rows;
  for (const auto& [name, proof] : by_name(golden("pg15-z0-pipe.dump"))) rows[name] = proof.rows;
  const std::map<std::string, std::uint64_t> expected = {
      {"t", 43},        {"empty", 0},    {"no_columns", 3}, {"t FROM stdin;", 2},
      {"new\nline", 0}, {"parent_0", 0}, {"parent_1", 0},   {"by_mood_0", 2},
  };
  EXPECT_EQ(rows.at("parent_0") + rows.at("parent_1"), 20U);
  rows["parent_0"] = rows["parent_1"] = 0;
  EXPECT_EQ(rows, expected);
}

TEST(Archive, ProvesLargeObjects) {
  const Proof proof = proof_of(golden("pg15-z0-pipe.dump")).large_objects;
  EXPECT_EQ(proof.rows, 3U);
  EXPECT_EQ(proof.bytes, 20'000U + 21U);
  Digest sum = digest_of(std::string("\x74\x40\0\0", 4));  // OID 16500, empty
  std::string object("\x75\x40\0\0", 4);
  for (int i = 0; i < 5000; ++i) object += std::string("\0\xff\r\n", 4);
  sum += digest_of(object);
  sum += digest_of(std::string("\0\x5e\xd0\xb2", 4) + "above two to the 31st");
  EXPECT_EQ(proof.digest, sum);
}

TEST(Archive, HasTheSameProofHoweverItWasDumped) {
  const ArchiveProof plain = proof_of(golden("pg15-z0-pipe.dump"));
  EXPECT_TRUE(plain.complete);
  expect_equal(proof_of(golden("pg15-z0-file.dump")), plain);
  expect_equal(proof_of(golden("pg15-z6-pipe.dump")), plain);
  expect_equal(proof_of(golden("pg15-z6-file.dump")), plain);
  EXPECT_EQ(by_name(golden("pg15-root.dump")), by_name(golden("pg15-z0-pipe.dump")));
  EXPECT_EQ(by_name(golden("pg15-data.dump")), by_name(golden("pg15-z0-pipe.dump")));
}

TEST(Archive, HasNoProofOfInsertStatements) {
  const ArchiveProof proof = proof_of(golden("pg15-inserts.dump"));
  EXPECT_FALSE(proof.complete);
  EXPECT_TRUE(proof.tables.empty());
}

// Flips inside table data are noticed by the proof, or by the parser where they hit its structure.
TEST(Archive, ShowsAFlippedBitOfARow) {
  std::string archive = golden("pg15-z0-pipe.dump");
  const ArchiveProof plain = proof_of(archive);
  const std::size_t row = archive.find("row 1");
  for (std::size_t bit = 0; bit < 8; ++bit) {
    archive[row] = static_cast<char>('r' ^ (1 << bit));
    EXPECT_NE(proof_of(archive).tables, plain.tables) << bit;
  }
}

}  // namespace
}  // namespace pgstow::pg
