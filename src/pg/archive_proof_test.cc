#include "pg/archive_proof.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "pg/archive_fixtures.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

constexpr const char* kMarker = "\\.\n\n\n";

TEST(LargeObjectHasher, SumsTheDigestsOfOidAndContents) {
  LargeObjectHasher hasher;
  hasher.begin(0x01020304);
  hasher.add("ab");
  hasher.add("c");
  hasher.begin(5);
  const Proof proof = hasher.finish();
  Digest sum = digest_of("\4\3\2\1abc");
  sum += digest_of(std::string("\5\0\0\0", 4));
  EXPECT_EQ(proof, (Proof{2, 3, sum}));
  EXPECT_EQ(hasher.finish(), Proof());
}

TEST(LargeObjectHasher, TellsContentsOfDifferentObjectsApart) {
  LargeObjectHasher one;
  one.begin(1);
  one.add("x");
  LargeObjectHasher two;
  two.begin(2);
  two.add("x");
  EXPECT_NE(one.finish().digest, two.finish().digest);
}

TEST(ProofTaker, PassesEverythingOn) {
  Recorder recorder;
  ProofTaker taker(&recorder);
  parse(golden("pg15-z0-pipe.dump"), taker);
  const Recorder direct = record(golden("pg15-z0-pipe.dump"));
  EXPECT_TRUE(recorder.blocks == direct.blocks && recorder.objects == direct.objects);
  EXPECT_EQ(encode_header(recorder.header), encode_header(direct.header));
  EXPECT_EQ(encode_header(taker.header()), encode_header(direct.header));
}

TEST(ProofTaker, TellsHowFarItIs) {
  ProofTaker taker;
  ArchiveParser parser(taker);
  parser.write(encode_header(header_of({table_entry(1), table_entry(2)})));
  EXPECT_EQ(taker.current(), nullptr);
  parser.write(table_block(1, {"a\n", "b\n", kMarker}));
  EXPECT_EQ(taker.current(), nullptr);
  EXPECT_EQ(taker.rows(), 2U);
  parser.write('\1' + number(2) + number(2) + "c\n");
  ASSERT_NE(taker.current(), nullptr);
  EXPECT_EQ(taker.current()->tag, "t2");
  const std::string row(50'000, 'x');
  parser.write(number(50'001) + row + "\n");
  EXPECT_EQ(taker.rows(), 4U);
}

TEST(ProofTaker, RefusesRowsAfterTheEndMarker) {
  ProofTaker taker;
  const std::string archive = encode_header(header_of({table_entry(1)})) +
                              table_block(1, {"a\n", "\\.\n", "hidden\n", kMarker});
  EXPECT_THROW(parse(archive, taker), Corrupt);
}

TEST(ProofTaker, IsIncompleteForCompressedBlocks) {
  ProofTaker taker;
  parse(golden("pg15-z6-pipe.dump"), taker);
  const ArchiveProof proof = taker.finish();
  EXPECT_FALSE(proof.complete);
  EXPECT_TRUE(proof.tables.empty());
  EXPECT_EQ(proof.large_objects, Proof());
}

}  // namespace
}  // namespace pgstow::pg
