#include "pg/archive_writer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "pg/archive_fixtures.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

constexpr const char* kMarker = "\\.\n\n\n";
constexpr std::size_t kChunk = 262'144;

std::string written(const std::string& archive) {
  StringSink sink;
  ArchiveWriter writer(sink);
  parse(archive, writer);
  return sink.text;
}

// The chunks of a block's body, up to the zero that ends them.
std::vector<std::string> chunks_at(std::string_view bytes) {
  std::vector<std::string> found;
  for (;;) {
    const int length = decode_int(bytes).value();
    bytes.remove_prefix(kIntSize);
    if (length == 0) return found;
    found.emplace_back(bytes.substr(0, static_cast<std::size_t>(length)));
    bytes.remove_prefix(static_cast<std::size_t>(length));
  }
}

std::vector<std::string> table_chunks(const std::vector<std::string>& contents) {
  const std::string header = encode_header(header_of({table_entry(1)}));
  const std::string out = written(header + table_block(1, contents));
  EXPECT_EQ(out.substr(0, header.size()), header);
  return chunks_at(std::string_view(out).substr(header.size() + 1 + kIntSize));
}

TEST(ArchiveWriter, JoinsRowsAndKeepsTheMarkerApart) {
  EXPECT_EQ(table_chunks({"a\n", "b\n", kMarker}), (std::vector<std::string>{"a\nb\n", kMarker}));
  EXPECT_EQ(table_chunks({kMarker}), (std::vector<std::string>{kMarker}));
  EXPECT_EQ(table_chunks({std::string("a\n") + kMarker}),
            (std::vector<std::string>{"a\n", kMarker}));
}

TEST(ArchiveWriter, CutsAtRowEnds) {
  std::vector<std::string> rows(6000, std::string(99, 'x') + "\n");
  rows.emplace_back(kMarker);
  const std::vector<std::string> found = table_chunks(rows);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].size(), kChunk - kChunk % 100);
  EXPECT_EQ(found[3], kMarker);
}

TEST(ArchiveWriter, CutsARowThatIsLongerThanAChunk) {
  const std::vector<std::string> found = table_chunks({std::string(kChunk, 'x'), "y\n", kMarker});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].size(), kChunk);
  EXPECT_EQ(found[1], "y\n");
}

// The marker stays whole wherever the end of a full chunk falls.
TEST(ArchiveWriter, NeverCutsTheMarker) {
  for (std::size_t size = kChunk - 10; size < kChunk + 10; ++size) {
    const std::vector<std::string> found =
        table_chunks({std::string(size - 1, 'x') + "\n", kMarker});
    EXPECT_EQ(found.back(), kMarker) << size;
    for (const std::string& chunk : found) EXPECT_LE(chunk.size(), kChunk);
  }
}

RC_GTEST_PROP(ArchiveWriter, ChangesNoByteOfTheData, ()) {
  std::vector<std::string> contents;
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
    contents.emplace_back(*rc::gen::inRange<std::size_t>(1, 200'000), 'x');
    if (*rc::gen::arbitrary<bool>()) contents.back() += '\n';
  }
  contents.push_back(std::string("\n") + kMarker);
  const std::vector<std::string> found = table_chunks(contents);
  RC_ASSERT(std::accumulate(found.begin(), found.end(), std::string()) ==
            std::accumulate(contents.begin(), contents.end(), std::string()));
  RC_ASSERT(found.back() == kMarker);
}

TEST(ArchiveWriter, WritesLargeObjectsInFullChunks) {
  const std::string header = encode_header(header_of({blobs_entry(7)}));
  const std::string start = header + '\3' + number(7) + number(42);
  std::vector<std::string> pieces(20, std::string(16384, '\n'));
  const std::string empty = number(43) + chunks({});
  const std::string out = written(start + chunks(pieces) + empty + number(0));
  EXPECT_EQ(out, start + chunks({std::string(kChunk, '\n'), std::string(65536, '\n')}) + empty +
                     number(0));
}

TEST(ArchiveWriter, KeepsABlockWithoutLargeObjects) {
  const std::string archive =
      encode_header(header_of({blobs_entry(7)})) + '\3' + number(7) + number(0);
  EXPECT_EQ(written(archive), archive);
}

TEST(ArchiveWriter, ForgetsOffsets) {
  const ArchiveHeader before = record(golden("pg15-z0-file.dump")).header;
  const ArchiveHeader after = record(written(golden("pg15-z0-file.dump"))).header;
  int with_data = 0;
  for (std::size_t i = 0; i < before.toc.size(); ++i) {
    if (!before.toc[i].has_data) continue;
    ++with_data;
    EXPECT_EQ(before.toc[i].offset.state, DataOffset::State::kSet);
    EXPECT_EQ(after.toc[i].offset.state, DataOffset::State::kNotSet);
  }
  EXPECT_EQ(with_data, 9);
}

}  // namespace
}  // namespace pgstow::pg
