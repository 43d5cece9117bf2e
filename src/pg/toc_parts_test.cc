#include "pg/toc_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
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

TocEntry key(int id, const char* kind, std::vector<std::string> on, const char* more = "") {
  return entry(id, "CONSTRAINT", Section::kPostData,
               std::string("ALTER TABLE ONLY s.t ADD CONSTRAINT k ") + kind + " (a);\n" + more,
               std::move(on));
}

constexpr const char* kReplicaIdentity = "\nALTER TABLE ONLY s.t REPLICA IDENTITY USING INDEX k;\n";

constexpr KeyIndexOptions kSmall{.server_version = 150000, .least_bytes = 1000};

// Table 1 has other indexes, table 4 none.
TEST(TocParts, KeysAmongOtherIndexesAreBuiltAsIndexes) {
  ArchiveHeader header = archive();
  header.toc.erase(header.toc.end() - 3, header.toc.end());
  header.toc.push_back(key(30, "PRIMARY KEY", {"1"}));
  header.toc.push_back(key(32, "UNIQUE", {"4", "41"}, kReplicaIdentity));
  header.toc.push_back(key(33, "UNIQUE", {"6"}));  // has no rows of its own
  header.toc.push_back(entry(34, "INDEX", Section::kPostData, "CREATE INDEX ...", {"6"}));
  header.toc.push_back(entry(40, "FK CONSTRAINT", Section::kPostData, "...", {"4", "30"}));
  const std::map<int, std::uint64_t> bytes{{10, 1000}, {11, 5000}};
  const ArchiveHeader apart = with_key_indexes(header, bytes, kSmall);
  EXPECT_THAT(ids(apart), ElementsAre(1, 2, 3, 4, 10, 11, 20, 21, 42, 30, 32, 33, 34, 40));
  const TocEntry& index = *apart.find(42);
  EXPECT_EQ(index.desc, "INDEX");
  EXPECT_EQ(index.tag, "k");
  EXPECT_EQ(index.defn, "CREATE UNIQUE INDEX k ON s.t USING btree (a);\n");
  EXPECT_THAT(index.dependencies, ElementsAre("1"));
  EXPECT_THAT(apart.find(30)->dependencies, ElementsAre("1", "42"));
  EXPECT_THAT(*apart.find(30)->defn, testing::EndsWith("PRIMARY KEY USING INDEX k;\n"));
  EXPECT_EQ(ids(with_key_indexes(header, bytes, {.server_version = 150000, .least_bytes = 1001})),
            ids(header));

  // The work is the index's; a key that is made as a whole has its own.
  const OrderedToc ordered = toc_after_rows(apart, bytes);
  EXPECT_EQ(ordered.header.find(42)->offset.state, DataOffset::State::kSet);
  EXPECT_NE(ordered.header.find(30)->offset.state, DataOffset::State::kSet);
  EXPECT_EQ(ordered.header.find(32)->offset.state, DataOffset::State::kSet);
}

// What pg_restore does not refuse is no reason to fail, or to take an id that another entry has.
TEST(TocParts, KeysStayWholeWhereNoIdIsLeft) {
  ArchiveHeader header = archive();
  header.toc.push_back(key(60, "UNIQUE", {"1", "4294967300", "-9", "x"}));
  const std::map<int, std::uint64_t> bytes{{10, 1000}, {11, 5000}};
  EXPECT_THAT(ids(with_key_indexes(header, bytes, kSmall)), testing::Contains(61));
  header.toc.back().dependencies.insert(header.toc.back().dependencies.end(),
                                        {"61", "4294967358", "2147483647"});  // 62 for pg_restore
  EXPECT_THAT(ids(with_key_indexes(header, bytes, kSmall)), testing::Contains(63));
  header.toc.back().dump_id = 2147483646;
  EXPECT_EQ(ids(with_key_indexes(header, bytes, kSmall)), ids(header));
}

// A unique constraint takes its index everywhere; on 18 a primary key makes a NOT NULL its own by
// that.
TEST(TocParts, PrimaryKeysOfTablesThatInheritStayWholeFor18) {
  ArchiveHeader header = archive();
  header.toc[3].defn = "CREATE TABLE s.t (\n)\nINHERITS (s.parent);\n";
  header.toc.push_back(key(30, "PRIMARY KEY", {"1"}));
  header.toc.push_back(key(31, "UNIQUE", {"1"}));
  header.toc.push_back(key(32, "PRIMARY KEY", {"4"}));
  header.toc.push_back(key(33, "UNIQUE", {"4"}));
  const auto apart = [&](int version) {
    std::vector<int> all;
    const ArchiveHeader found =
        with_key_indexes(header, {{10, 1000}, {11, 5000}},
                         {.server_version = version, .least_bytes = kSmall.least_bytes});
    for (const TocEntry& e : found.toc) {
      if (e.defn && e.defn->find(" USING INDEX k;") != std::string::npos) all.push_back(e.dump_id);
    }
    return all;
  };
  EXPECT_THAT(apart(180001), ElementsAre(30, 31, 33));
  header.toc.push_back(entry(35, "TABLE ATTACH", Section::kPreData, "...", {"1", "7"}));
  EXPECT_THAT(apart(180001), ElementsAre(31, 33));
  EXPECT_THAT(apart(170009), ElementsAre(30, 31, 32, 33));
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
