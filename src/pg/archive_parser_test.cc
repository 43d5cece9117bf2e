#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "pg/archive.h"
#include "pg/archive_fixtures.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

constexpr const char* kMarker = "\\.\n\n\n";

std::string two_tables() { return encode_header(header_of({table_entry(1), table_entry(2)})); }

void refused(const std::string& archive, const std::string& cause) {
  try {
    record(archive);
    ADD_FAILURE() << "accepted; expected: " << cause;
  } catch (const Corrupt& e) {
    EXPECT_NE(std::string(e.what()).find(cause), std::string::npos) << e.what();
    EXPECT_TRUE(std::string(e.what()).starts_with("archive: byte ")) << e.what();
  }
}

TEST(ArchiveParser, PassesBlocksInAnyOrderAndPiece) {
  const std::string archive =
      two_tables() + table_block(2, {"x\n", "y", "\n", kMarker}) + table_block(1, {kMarker});
  for (const std::size_t piece : {1U, 2U, 5U, 1000U}) {
    const Recorder found = record(archive, piece);
    EXPECT_EQ(found.order, (std::vector<int>{2, 1}));
    EXPECT_EQ(found.blocks.at(2), std::string("x\ny\n") + kMarker);
    EXPECT_EQ(found.blocks.at(1), kMarker);
  }
}

TEST(ArchiveParser, PassesLargeObjectsWithOidsAboveTwoToThe31st) {
  std::string oid;
  append_oid(oid, 3'000'000'000U);
  const std::string archive = encode_header(header_of({blobs_entry(7)})) + '\3' + number(7) +
                              number(16500) + chunks({}) + oid + chunks({"ab", "c"}) + number(0);
  const Recorder found = record(archive, 3);
  EXPECT_EQ(found.objects,
            (std::map<std::uint32_t, std::string>{{16500, ""}, {3000000000U, "abc"}}));
}

TEST(ArchiveParser, ReadsTheVersionsOfPgDump16To18) {
  for (const int minor : {15, 16}) {
    const std::string archive =
        encode_header(header_of({table_entry(1)}, minor)) + table_block(1, {kMarker});
    EXPECT_EQ(record(archive).header.minor, minor);
  }
}

TEST(ArchiveParser, PassesChunksOfEverySizeUnchanged) {
  std::string rows;
  std::vector<std::string> cut;
  for (const std::size_t size : {1U, 4095U, 4096U, 4097U, 65535U, 65536U, 200'000U, 2U}) {
    cut.push_back(std::string(size - 1, 'x') + "\n");
    rows += cut.back();
  }
  cut.emplace_back(kMarker);
  const std::string archive = encode_header(header_of({table_entry(1)})) + table_block(1, cut);
  for (const std::size_t piece : {100U, 70'000U, 1U << 20}) {
    EXPECT_TRUE(record(archive, piece).blocks.at(1) == rows + kMarker) << piece;
  }
}

TEST(ArchiveParser, RefusesWrongBlocks) {
  const std::string one = table_block(1, {kMarker});
  refused(two_tables() + one, "the block of entry 2 is missing");
  refused(two_tables() + one + one, "a second block of entry 1");
  refused(two_tables() + one + table_block(3, {kMarker}), "a block of entry 3");
  refused(two_tables() + one + "\2", "block type 2");
  refused(two_tables() + '\3' + number(1), "of the wrong type");
  refused(encode_header(header_of({blobs_entry(1)})) + one, "of the wrong type");
  refused(two_tables() + '\1' + number(1) + number(-3), "a chunk of -3 bytes");
  refused(two_tables() + '\1' + number(1) + number((1 << 30) + 1), "a chunk of");
  refused(two_tables() + '\1' + number(1) + "\7....", "not a number");
}

TEST(ArchiveParser, RefusesTableDataWithoutItsEndMarker) {
  const std::string cause = "without the end marker";
  refused(two_tables() + table_block(1, {}), cause);
  for (const char* text : {"x\n", "x\\.\n\n\n", "x\n\\.\n\n", "\\.\n\n\nx"}) {
    refused(two_tables() + table_block(1, {text}), cause);
  }
  // Whatever the chunks and pieces it comes in, the marker is known.
  EXPECT_NO_THROW(record(encode_header(header_of({table_entry(1)})) +
                         table_block(1, {"x", "\n", "\\", ".", "\n", "\n", "\n"})));
}

TEST(ArchiveParser, NeedsNoEndMarkerInSqlStatements) {
  TocEntry inserts = table_entry(1);
  inserts.copy.reset();
  EXPECT_NO_THROW(
      record(encode_header(header_of({inserts})) + table_block(1, {"INSERT ...;\n", "\n\n"})));
}

// pg_dump 16 and later, its standard output being a file.
TEST(ArchiveParser, PassesByTheTableOfContentsOnceMore) {
  TocEntry schema = table_entry(9);
  schema.has_data = false;
  schema.offset.state = DataOffset::State::kNoData;
  TocEntry statistics = schema;
  statistics.dump_id = 10;
  statistics.desc = "STATISTICS DATA";
  statistics.defn = "SELECT 1;";
  ArchiveHeader header = header_of({table_entry(1), schema, table_entry(2), statistics}, 16);
  const std::string first = table_block(1, {"x\n", kMarker});
  const std::string whole = encode_header(header) + first + table_block(2, {kMarker});
  const std::size_t start = encode_header(header).size();
  header.toc[0].offset = {DataOffset::State::kSet, start};
  header.toc[2].offset = {DataOffset::State::kSet, start + first.size()};
  const std::string again = encode_toc(header, TocTime::kAgain);
  EXPECT_EQ(again.find("SELECT 1;"), std::string::npos);
  for (const std::size_t piece : {1U, 7U, 100'000U}) {
    EXPECT_EQ(record(whole + again, piece).blocks, record(whole).blocks);
  }
  refused(whole + again.substr(0, again.size() - 1), "cut off inside the table of contents");
  refused(whole + again + '\0', "more bytes after");
  refused(whole + again + again, "more bytes after");
  std::string changed = again;
  changed[changed.find("COPY")] = 'X';
  refused(whole + changed, "neither a block nor");
  header.toc[2].offset.position += 1;
  refused(whole + encode_toc(header, TocTime::kAgain), "neither a block nor");
  refused(encode_header(header_of({table_entry(1), schema, table_entry(2)}, 16)) + first + again,
          "block type 0");
}

TEST(ArchiveParser, ComparesBlocksWithTheirOffsets) {
  ArchiveHeader header = header_of({table_entry(1)});
  const std::size_t start = encode_header(header).size();
  header.toc.front().offset = {DataOffset::State::kSet, start};
  EXPECT_NO_THROW(record(encode_header(header) + table_block(1, {kMarker})));
  header.toc.front().offset.position = start + 1;
  refused(encode_header(header) + table_block(1, {kMarker}), "should start at byte");
}

TEST(ArchiveParser, ExpectsNoBlockForAnEntryMarkedSo) {
  ArchiveHeader header = header_of({table_entry(1)});
  header.toc.front().offset.state = DataOffset::State::kNoData;
  EXPECT_NO_THROW(record(encode_header(header)));
  refused(encode_header(header) + table_block(1, {kMarker}), "a block of entry 1");
}

TEST(ArchiveParser, RefusesNothingAtAll) { refused("", "cut off inside the header"); }

TEST(ArchiveParser, PassesOnWhatAVisitorThrows) {
  class Full final : public ArchiveVisitor {
   public:
    void on_header(const ArchiveHeader&) override {}
    void on_block_begin(const TocEntry&) override {}
    void on_large_object(std::uint32_t) override {}
    void on_bytes(std::string_view) override { throw Transient("disk"); }
    void on_block_end() override {}
  } full;
  EXPECT_THROW(parse(two_tables() + table_block(1, {kMarker}), full), Transient);
}

}  // namespace
}  // namespace pgstow::pg
