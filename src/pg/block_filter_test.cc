#include "pg/block_filter.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "pg/archive_fixtures.h"
#include "pg/archive_header.h"
#include "pg/block_inflater.h"

namespace pgstow::pg {
namespace {

fixtures::Recorder read_all(const std::string& archive) {
  fixtures::Recorder all;
  BlockInflater inflater(all);
  ArchiveParser parser(inflater);
  parser.write(archive);
  parser.finish();
  return all;
}

// Of archives compressed inside and not, by entries that are called otherwise than in the archive.
TEST(BlockFilter, PassesOnTheWantedBlocksAlone) {
  for (const char* name : {"pg15-z0-pipe.dump", "pg15-z6-file.dump"}) {
    SCOPED_TRACE(name);
    const std::string archive = fixtures::golden(name);
    const fixtures::Recorder all = read_all(archive);
    ASSERT_GT(all.order.size(), 2U);
    const int wanted = all.order[1];

    ArchiveHeader header = all.header;  // as verification has it: of plain blocks
    std::erase_if(header.toc, [&](const TocEntry& e) { return e.dump_id != wanted; });
    header.toc.front().tag = "renamed";
    fixtures::Recorder found;
    BlockInflater inflater(found);
    BlockFilter filter(inflater, header);
    ArchiveParser parser(filter);
    parser.write(archive);
    parser.finish();

    EXPECT_EQ(found.order, std::vector<int>{wanted});
    EXPECT_EQ(found.blocks.at(wanted), all.blocks.at(wanted));
    ASSERT_EQ(found.header.toc.size(), 1U);
    EXPECT_EQ(found.header.toc.front().tag, "renamed");
  }
}

TEST(BlockFilter, RefusesAnotherTableOfContentsWhereItIsTheWholeThatIsWanted) {
  const std::string archive = fixtures::golden("pg15-z0-pipe.dump");
  HeaderDecoder decoder;
  decoder.add(archive);
  const ArchiveHeader own = decoder.take();
  ArchiveHeader another = own;
  another.toc.back().defn = "select 1";
  const auto read = [&](const ArchiveHeader& wanted) {
    fixtures::Recorder found;
    BlockFilter filter(found, wanted, BlockFilter::Wanted::kWhole);
    ArchiveParser parser(filter);
    parser.write(archive);
    parser.finish();
    return found.order;
  };
  EXPECT_EQ(read(own), read_all(archive).order);
  EXPECT_THROW(read(another), Corrupt);
}

}  // namespace
}  // namespace pgstow::pg
