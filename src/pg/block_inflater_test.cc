#include "pg/block_inflater.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "pg/archive_fixtures.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

constexpr const char* kMarker = "\\.\n\n\n";

std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
           text.size());
  out.resize(size);
  return out;
}

Recorder inflated(const std::string& archive, std::size_t piece = SIZE_MAX) {
  Recorder recorder;
  BlockInflater inflater(recorder);
  parse(archive, inflater, piece);
  return recorder;
}

std::string table_archive(const std::vector<std::string>& contents, int minor = 14,
                          int compression = 6) {
  ArchiveHeader header = header_of({table_entry(1)}, minor);
  header.compression = compression;
  return encode_header(header) + table_block(1, contents);
}

TEST(BlockInflater, MakesTheBlocksOfAnArchivePlain) {
  const Recorder plain = record(golden("pg15-z0-pipe.dump"));
  const Recorder found = inflated(golden("pg15-z6-pipe.dump"), 777);
  EXPECT_TRUE(found.blocks == plain.blocks && found.objects == plain.objects);
  EXPECT_EQ(found.header.compression, 0);
}

TEST(BlockInflater, KnowsHowEachVersionSaysCompressed) {
  const std::string text = std::string("row\n") + kMarker;
  EXPECT_EQ(inflated(table_archive({deflated(text)}, 14, -1)).blocks.at(1), text);
  EXPECT_EQ(inflated(table_archive({deflated(text)}, 15, 1)).blocks.at(1), text);
  EXPECT_EQ(inflated(table_archive({deflated(text)}, 16, 1)).blocks.at(1), text);
}

TEST(BlockInflater, PassesWhatItCanNotUndo) {
  for (const int algorithm : {2, 3}) {
    const Recorder found = inflated(table_archive({"opaque"}, 16, algorithm));
    EXPECT_EQ(found.blocks.at(1), "opaque");
    EXPECT_EQ(found.header.compression, algorithm);
  }
  EXPECT_EQ(inflated(golden("pg15-z0-pipe.dump")).blocks,
            record(golden("pg15-z0-pipe.dump")).blocks);
}

TEST(BlockInflater, InflatesMuchOutOfLittle) {
  std::string text;
  text.resize(10'000'000, 'x');
  text += std::string("\n") + kMarker;
  const std::string packed = deflated(text);
  EXPECT_TRUE(inflated(table_archive({packed})).blocks.at(1) == text);
  EXPECT_TRUE(inflated(table_archive({packed}), 1).blocks.at(1) == text);
}

TEST(BlockInflater, RefusesDamagedStreams) {
  const std::string packed = deflated(std::string("row\n") + kMarker);
  EXPECT_NO_THROW(inflated(table_archive({packed})));
  EXPECT_THROW(inflated(table_archive({packed + "x"})), Corrupt);
  EXPECT_THROW(inflated(table_archive({packed, "x"})), Corrupt);
  EXPECT_THROW(inflated(table_archive({packed.substr(0, packed.size() - 1)})), Corrupt);
  EXPECT_THROW(inflated(table_archive({})), Corrupt);
  EXPECT_THROW(inflated(table_archive({deflated("row\n")})), Corrupt);
}

TEST(BlockInflater, NoticesEveryFlippedBitThatMatters) {
  const std::string text = std::string("row\n") + kMarker;
  const std::string packed = deflated(text);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * packed.size(); ++bit) {
    std::string flipped = packed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      EXPECT_EQ(inflated(table_archive({flipped})).blocks.at(1), text) << bit;
    } catch (const Corrupt&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 8 * packed.size() - 8);  // the others are padding before the checksum
}

std::string objects_archive(const std::string& body) {
  ArchiveHeader header = header_of({blobs_entry(7)}, 15);
  header.compression = 1;
  return encode_header(header) + '\3' + number(7) + body + number(0);
}

TEST(BlockInflater, TakesEmptyLargeObjectsWithAndWithoutAStream) {
  const Recorder found =
      inflated(objects_archive(number(1) + chunks({}) + number(2) + chunks({deflated("")}) +
                               number(3) + chunks({deflated("abc")}) + number(4) + chunks({})));
  EXPECT_EQ(found.objects,
            (std::map<std::uint32_t, std::string>{{1, ""}, {2, ""}, {3, "abc"}, {4, ""}}));
}

TEST(BlockInflater, RefusesALargeObjectThatIsCutOff) {
  const std::string cut = deflated("abc").substr(0, 5);
  EXPECT_THROW(inflated(objects_archive(number(1) + chunks({cut}))), Corrupt);
  EXPECT_THROW(inflated(objects_archive(number(1) + chunks({cut}) + number(2) + chunks({}))),
               Corrupt);
}

}  // namespace
}  // namespace pgstow::pg
