#include "pg/splicer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pg/archive_fixtures.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TocEntry other(int dump_id, const std::string& desc, Section section) {
  TocEntry entry = table_entry(dump_id);
  entry.desc = desc;
  entry.section = section;
  entry.has_data = false;
  entry.copy = std::nullopt;
  entry.offset.state = DataOffset::State::kNoData;
  return entry;
}

TocEntry definition(int dump_id, const std::string& oid) {
  TocEntry entry = other(dump_id, "TABLE", Section::kPreData);
  entry.table_oid = "1259";
  entry.oid = oid;
  return entry;
}

BigTable big(const std::string& oid) {
  BigTable table;
  table.oid = oid;
  table.copy = "COPY s.big (a) FROM stdin;\n";
  return table;
}

// What comes out for these tables of ours, `plain` being all that have rows.
ArchiveHeader spliced(const ArchiveHeader& header, const std::vector<BigTable>& tables,
                      const std::set<std::string>& plain) {
  Recorder recorder;
  const LargeObjects no_objects;
  Splicer splicer(tables, plain, no_objects, nullptr, recorder);
  splicer.on_header(header);
  return recorder.header;
}

// Objects 1 to 1003, of which the last two are another owner's.
LargeObjects objects_of_two() {
  LargeObjects objects;
  for (std::uint32_t oid = 1; oid <= 1003; ++oid) objects.oids.push_back(oid);
  objects.owners = {{.name = "one", .end = 1001}, {.name = "two", .end = 1003}};
  return objects;
}

ArchiveHeader with_objects(const ArchiveHeader& header) {
  const LargeObjects objects = objects_of_two();
  Recorder recorder;
  const std::vector<BigTable> no_tables;
  const std::set<std::string> no_rows;
  Splicer splicer(no_tables, no_rows, objects, nullptr, recorder);
  splicer.on_header(header);
  return recorder.header;
}

std::vector<std::string> order(const ArchiveHeader& header) {
  std::vector<std::string> lines;
  lines.reserve(header.toc.size());
  for (const TocEntry& entry : header.toc) {
    lines.push_back(std::to_string(entry.dump_id) + " " + entry.desc);
  }
  return lines;
}

TEST(Splicer, AddsDataBehindTheDataThatIsThere) {
  TocEntry index = other(9, "INDEX", Section::kPostData);
  index.dependencies = {"1", "40"};  // of what is not in the archive
  const ArchiveHeader header =
      header_of({definition(1, "501"), other(2, "ACL", Section::kNone), definition(3, "502"),
                 table_entry(4), other(5, "COMMENT", Section::kNone), index});
  const ArchiveHeader out = spliced(header, {big("502"), big("501")}, {"501", "502"});
  EXPECT_THAT(order(out), ElementsAre("1 TABLE", "2 ACL", "3 TABLE", "4 TABLE DATA", "5 COMMENT",
                                      "41 TABLE DATA", "42 TABLE DATA", "9 INDEX"));
  const TocEntry* added = out.find(41);
  EXPECT_EQ(added->oid, "502");
  EXPECT_EQ(added->tag, "t3");
  EXPECT_THAT(added->dependencies, ElementsAre("3"));
  EXPECT_TRUE(added->has_copy_text());
}

TEST(Splicer, AddsDataAtTheEndWhereNothingComesAfterIt) {
  const ArchiveHeader header = header_of({definition(1, "501"), other(2, "ACL", Section::kNone)});
  EXPECT_THAT(order(spliced(header, {big("501")}, {"501"})),
              ElementsAre("1 TABLE", "2 ACL", "3 TABLE DATA"));
}

TEST(Splicer, LeavesAsItIsWhatPgDumpDoesByItself) {
  TocEntry data = table_entry(2);
  data.oid = "501";
  const ArchiveHeader header = header_of({definition(1, "501"), data});
  EXPECT_EQ(order(spliced(header, {big("501"), big("777")}, {"501", "777"})), order(header));
  EXPECT_EQ(order(spliced(header, {}, {"501"})), order(header));
}

TEST(Splicer, FindsRowsThatNobodyReads) {
  const ArchiveHeader header = header_of({definition(1, "501"), definition(2, "502")});
  try {
    static_cast<void>(spliced(header, {big("501")}, {"501", "502"}));
    FAIL();
  } catch (const ProcessFailed& e) {
    EXPECT_THAT(e.what(), HasSubstr("left out the rows of s.t2"));
    EXPECT_THAT(e.hint(), HasSubstr("BACKUP_JOBS=1"));
  }
  // A table without rows in a dump: partitioned, or unlogged on a standby.
  EXPECT_EQ(spliced(header, {big("501")}, {"501"}).toc.size(), 3U);
}

TEST(Splicer, AddsAnEntryForEachLargeObjectWherePgDumpDoes) {
  const ArchiveHeader out = with_objects(
      header_of({definition(1, "501"), table_entry(2), other(3, "INDEX", Section::kPostData)}));
  ASSERT_EQ(out.toc.size(), 3U + 1003 + 1);
  const TocEntry& last = out.toc[1003];
  EXPECT_EQ(last.desc + " " + last.tag + " " + *last.owner, "BLOB 1003 two");
  EXPECT_EQ(last.defn, "SELECT pg_catalog.lo_create('1003');\n");
  EXPECT_EQ(out.toc[1004].dump_id, 2);
  EXPECT_EQ(out.toc[1005].desc, "BLOBS");
  EXPECT_EQ(out.toc[1006].desc, "INDEX");
}

TEST(Splicer, GroupsLargeObjectsWherePgDumpDoes) {
  const ArchiveHeader out = with_objects(
      header_of({definition(1, "501"), table_entry(2), other(3, "INDEX", Section::kPostData)}, 16));
  EXPECT_THAT(order(out),
              ElementsAre("1 TABLE", "2 TABLE DATA", "4 BLOB METADATA", "6 BLOB METADATA",
                          "8 BLOB METADATA", "5 BLOBS", "7 BLOBS", "9 BLOBS", "3 INDEX"));
  const std::vector<std::string> expected{"1..1000", "1001", "1002..1003"};
  for (int i = 0; i < 3; ++i) {
    const TocEntry& group = *out.find(4 + 2 * i);
    const TocEntry& contents = *out.find(5 + 2 * i);
    EXPECT_EQ(group.tag, expected[static_cast<std::size_t>(i)]);
    EXPECT_EQ(contents.tag, group.tag);
    EXPECT_EQ(contents.owner, i < 2 ? "one" : "two");
    EXPECT_THAT(contents.dependencies, ElementsAre(std::to_string(group.dump_id)));
  }
  EXPECT_EQ(out.find(8)->defn, "1002\n1003\n");
}

TEST(Splicer, FindsLargeObjectsThatPgDumpShouldNotHave) {
  EXPECT_THROW(with_objects(header_of({definition(1, "501"), blobs_entry(2)})), ProcessFailed);
}
}  // namespace
}  // namespace pgstow::pg
