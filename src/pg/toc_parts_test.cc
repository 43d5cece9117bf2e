#include "pg/toc_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgstow::pg {
namespace {

using testing::ElementsAre;

TocEntry entry(int id, const std::string& desc, Section section, const std::string& defn = "",
               std::vector<std::string> dependencies = {}) {
  TocEntry e;
  e.dump_id = id;
  e.desc = desc;
  e.tag = std::to_string(id);
  e.section = section;
  e.defn = defn;
  e.dependencies = std::move(dependencies);
  return e;
}

TocEntry data(int id, std::vector<std::string> dependencies) {
  TocEntry e = entry(id, "TABLE DATA", Section::kData, "", std::move(dependencies));
  e.has_data = true;
  e.copy = "COPY s.t (a) FROM stdin;\n";
  e.offset = {DataOffset::State::kSet, 100};
  return e;
}

ArchiveHeader archive() {
  ArchiveHeader header;
  header.minor = 14;
  header.toc = {
      entry(1, "TABLE", Section::kPreData),
      entry(2, "COMMENT", Section::kNone),
      entry(3, "ACL", Section::kNone),
      entry(4, "TABLE", Section::kPreData),
      data(10, {"1"}),
      data(11, {"4"}),
      entry(20, "INDEX", Section::kPostData, "CREATE INDEX i ON s.t USING btree (a);", {"1"}),
      entry(21, "INDEX", Section::kPostData, "CREATE INDEX i ON s.t USING gin (a);", {"1"}),
      entry(22, "CONSTRAINT", Section::kPostData, "ALTER TABLE ...", {"4"}),
      entry(23, "FK CONSTRAINT", Section::kPostData, "ALTER TABLE ...", {"1", "4"}),
      entry(24, "COMMENT", Section::kNone),
  };
  return header;
}

std::vector<int> ids(const ArchiveHeader& header) {
  std::vector<int> all;
  for (const TocEntry& e : header.toc) all.push_back(e.dump_id);
  return all;
}

TEST(TocParts, BeforeTheRowsThereIsNoDataAndNoPrivilege) {
  EXPECT_THAT(ids(toc_before_rows(archive())), ElementsAre(1, 2, 4, 20, 21, 22, 23, 24));
}

// As _PrepParallelRestore works them out: the distance to the next position.
TEST(TocParts, AfterTheRowsWorkIsOrderedByItsLength) {
  const OrderedToc ordered = toc_after_rows(archive(), {{10, 1000}, {11, 50}});
  EXPECT_THAT(ids(ordered.header), ElementsAre(1, 2, 4, 20, 21, 22, 23, 24, 3));
  EXPECT_EQ(ordered.header.toc.back().section, Section::kPostData);
  std::vector<std::uint64_t> positions;
  for (const TocEntry& e : ordered.header.toc) {
    if (e.offset.state == DataOffset::State::kSet) positions.push_back(e.offset.position);
  }
  const std::uint64_t start = encode_header(ordered.header).size();
  EXPECT_THAT(positions, ElementsAre(start, start + 1000, start + 5000));
  EXPECT_EQ(ordered.size, start + 5050);
}

// An owner that policies are forced on could not check the key otherwise.
TEST(TocParts, AfterTheRowsPoliciesAreInForceWhenForeignKeysAreMade) {
  ArchiveHeader header = archive();
  header.toc.push_back(entry(25, "ROW SECURITY", Section::kPostData, "ALTER TABLE ...", {"1"}));
  const OrderedToc ordered = toc_after_rows(header, {});
  EXPECT_THAT(ordered.header.find(25)->dependencies, ElementsAre("1", "23"));
}

TEST(TocParts, IndexesOfOneTableAloneAreIndependent) {
  ArchiveHeader header = archive();
  const auto add = [&](int id, std::vector<std::string> on, const char* desc = "INDEX") {
    header.toc.push_back(entry(id, desc, Section::kPostData, "CREATE INDEX ...", std::move(on)));
  };
  add(30, {"1", "1"});  // of two columns
  add(31, {"1", "5"});  // by a function of the archive's
  add(32, {"1"});       // of a partition
  add(33, {"32"}, "INDEX ATTACH");
  add(34, {"6"});  // of a table without rows here, as a partitioned one
  header.toc.push_back(data(12, {"7"}));
  header.toc.back().defn = "-- load via partition root s.root";
  add(35, {"7"});  // more rows may come with another partition's
  std::vector<int> found;
  std::vector<std::uint64_t> work;
  for (const IndexBuild& build : independent_indexes(header, {{10, 1000}, {11, 50}, {12, 9}})) {
    EXPECT_EQ(build.rows, 10);
    found.push_back(build.index);
    work.push_back(build.work);
  }
  EXPECT_THAT(found, ElementsAre(20, 21, 30));
  EXPECT_THAT(work, ElementsAre(1000, 4000, 1000));
}

TEST(TocParts, OneIndexComesWithWhatSetsTheScene) {
  ArchiveHeader header = archive();
  header.toc.insert(header.toc.begin(), entry(90, "ENCODING", Section::kPreData));
  EXPECT_THAT(ids(toc_of_index(header, 21)), ElementsAre(90, 21));
}

TEST(TocParts, TellsTablesOfExtensions) {
  const ArchiveHeader header = archive();
  EXPECT_FALSE(is_made_by_extension(header, header.toc[4]));
  EXPECT_TRUE(is_made_by_extension(header, data(12, {"99"})));
  EXPECT_TRUE(is_made_by_extension(header, data(12, {})));
}

TEST(TocParts, TellsWhatLoadersCanRead) {
  ArchiveHeader header = archive();
  EXPECT_TRUE(can_load_rows(header, true));
  EXPECT_FALSE(can_load_rows(header, false));
  header.toc[4].copy.reset();  // pg_dump --inserts
  EXPECT_FALSE(can_load_rows(header, true));
  header = archive();
  header.compression = 3;
  EXPECT_FALSE(can_load_rows(header, true));
}

}  // namespace
}  // namespace pgstow::pg
