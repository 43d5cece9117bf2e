#include "backup/part_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/memory_store.h"
#include "pg/archive_fixtures.h"
#include "pg/archive_writer.h"
#include "stream/compression.h"
#include "stream/pack.h"
#include "stream/testing.h"

namespace pgstow {
namespace {

using pg::fixtures::Recorder;
using ::testing::ElementsAre;

constexpr std::string_view kKey = "a.dump.gz";

// An archive of forty tables, in a store as ours are, in members of 2,000 bytes.
class PartSourceTest : public ::testing::TestWithParam<const char*> {
 protected:
  PartSourceTest() {
    testing::StringSink sink;
    Packer packer(sink, parse_compression(GetParam()), 2, 2000);
    pg::ArchiveWriter writer(packer);
    archive.minor = 14;
    archive.database = "shop";
    for (int id = 1; id <= 40; ++id) {
      pg::TocEntry entry;
      entry.dump_id = id;
      entry.desc = "TABLE DATA";
      entry.has_data = true;
      entry.copy = "COPY s.t (a) FROM stdin;\n";
      entry.offset.state = pg::DataOffset::State::kNotSet;
      archive.toc.push_back(entry);
    }
    writer.on_header(archive);
    for (const pg::TocEntry& entry : archive.toc) {
      writer.on_block_begin(entry);
      writer.on_bytes(rows(entry.dump_id) + "\\.\n\n\n");
      writer.on_block_end();
    }
    packer.finish();
    for (std::size_t i = 0; i < writer.blocks().size(); ++i) {
      const Mark& mark = packer.marks()[i];
      at[writer.blocks()[i].dump_id] = {.raw = writer.blocks()[i].begin,
                                        .bytes = writer.blocks()[i].bytes,
                                        .member = mark.member_stored,
                                        .skip = mark.at - mark.member_at};
    }
    put(sink.bytes());
    stored = sink.bytes();
  }

  static std::string rows(int id) {
    return testing::copy_text(static_cast<std::size_t>(id % 7) * 900 + 1).append("\n");
  }

  void put(const std::string& bytes) {
    const std::unique_ptr<Sink> sink = store.create(kKey, Existing::kReplace);
    sink->write(bytes);
    sink->finish();
  }

  Recorder read(const std::vector<int>& ids) {
    std::vector<RowsAt> blocks;
    for (const int id : ids) blocks.push_back(at.at(id));
    PartSource part(store, std::string(kKey), without_other_blocks(archive, ids), blocks, 2);
    const std::string bytes = testing::read_all(part);
    EXPECT_EQ(bytes.size(), part.size());
    Recorder found;
    pg::ArchiveParser parser(found);
    parser.write(bytes);
    parser.finish();
    return found;
  }

  pg::ArchiveHeader archive;
  std::map<int, RowsAt> at;
  test::MemoryStore store;
  std::string stored;
};

TEST_P(PartSourceTest, IsAnArchiveOfTheseBlocks) {
  for (const std::vector<int>& ids :
       {std::vector<int>{1}, {40}, {7, 8, 9}, {3, 17, 39}, std::vector<int>{}}) {
    const Recorder found = read(ids);
    EXPECT_EQ(found.order, ids);
    for (const int id : ids) EXPECT_EQ(found.blocks.at(id), rows(id) + "\\.\n\n\n");
    EXPECT_EQ(found.header.toc.size(), 40U);
  }
  EXPECT_THAT(read({9, 2}).order, ElementsAre(2, 9));  // in the archive's order
}

// What is not asked for may be damaged: it is not read.
TEST_P(PartSourceTest, LeavesAloneWhatIsBeforeAndFarBehind) {
  std::string damaged = stored;
  for (std::size_t i = 0; i < at.at(30).member; ++i) damaged[i] = 'x';
  put(damaged);
  EXPECT_EQ(read({30}).blocks.at(30), rows(30) + "\\.\n\n\n");
}

TEST_P(PartSourceTest, FindsDamageInWhatIsAskedFor) {
  put(stored.substr(0, at.at(30).member + 40));
  EXPECT_THROW(read({30}), Corrupt);
  std::string damaged = stored;
  damaged[at.at(30).member + 60] = static_cast<char>(damaged[at.at(30).member + 60] ^ 1);
  put(damaged);
  EXPECT_THROW(read({30}), Corrupt);
  put(stored);
  at[30] = at[31];  // an index of something else
  EXPECT_THROW(read({30}), Corrupt);
}

INSTANTIATE_TEST_SUITE_P(By, PartSourceTest, ::testing::Values("gzip:1", "gzip:4", "zstd:1"));

}  // namespace
}  // namespace pgstow
