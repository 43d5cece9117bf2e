#include "backup/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace pgstow {
namespace {

Manifest sample() {
  Manifest m;
  m.archive = "backup_20261122_210528.dump.gz";
  m.pgstow_version = "1.2.3";
  m.database = "shop \"odd\"\nname";
  m.server_version = "15.20 (Debian 15.20-0+deb12u1)";
  m.server_version_number = 150020;
  m.system_identifier = "7550000000000000001";
  m.encoding = "UTF8";
  m.standby = true;
  m.snapshot_time = *parse_rfc3339("2026-11-22T21:05:28.123+01:00");
  m.snapshot_time_text = "2026-11-22T21:05:28.123+01:00";
  m.snapshot_lsn = "0/16B3748";
  m.pg_dump_version = "15.20";
  m.compression = "gzip:2";
  m.raw = {.bytes = 18446744073709551615ULL, .sha256 = std::string(64, 'a')};
  m.stored = {.bytes = 42, .sha256 = std::string(64, 'b')};
  m.tables = {{.schema = "public",
               .name = "t\tab",
               .proof = {.rows = 3, .bytes = 30, .digest = pg::digest_of("x")},
               .at = RowsAt{.raw = 5000, .bytes = 35, .member = 1ULL << 60, .skip = 7}},
              {.schema = "", .name = "ä", .proof = {}}};
  m.large_objects = {.rows = 1, .bytes = 7, .digest = pg::digest_of("lo")};
  m.settings = {{"TimeZone", "Europe/Berlin"}, {"bytea_output", "hex"}};
  m.globals =
      GlobalsFacts{.stored = {.bytes = 9, .sha256 = std::string(64, 'c')}, .passwords = true};
  m.warnings = {"pg_dump: warning: something"};
  m.started = *parse_rfc3339("2026-11-22T20:05:00Z");
  m.duration = std::chrono::milliseconds(1234);
  return m;
}

TEST(Manifest, ReadsBackWhatItWrites) {
  const Manifest m = sample();
  const std::string text = to_json(m);
  const Manifest back = parse_manifest(text, "m.json");
  EXPECT_EQ(to_json(back), text);
  EXPECT_EQ(back.database, m.database);
  EXPECT_EQ(back.raw.bytes, m.raw.bytes);
  EXPECT_EQ(back.snapshot_time, m.snapshot_time);
  ASSERT_EQ(back.tables.size(), 2U);
  EXPECT_EQ(back.tables[0].proof, m.tables[0].proof);
  ASSERT_TRUE(back.tables[0].at);
  EXPECT_EQ(back.tables[0].at->raw, 5000U);
  EXPECT_EQ(back.tables[0].at->bytes, 35U);
  EXPECT_EQ(back.tables[0].at->member, 1ULL << 60);
  EXPECT_EQ(back.tables[0].at->skip, 7U);
  EXPECT_FALSE(back.tables[1].at);  // as those that were made before there was an index
  EXPECT_EQ(back.large_objects, m.large_objects);
  EXPECT_EQ(back.settings, m.settings);
  ASSERT_TRUE(back.globals);
  EXPECT_EQ(back.globals->stored.sha256, m.globals->stored.sha256);
  EXPECT_TRUE(back.globals->passwords);
  EXPECT_EQ(back.warnings, m.warnings);
  EXPECT_EQ(back.rows(), 3U);
}

TEST(Manifest, MayBeWithoutGlobalsAsOlderOnesAre) {
  Manifest m = sample();
  m.globals.reset();
  const std::string text = to_json(m);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("globals")));
  EXPECT_FALSE(parse_manifest(text, "m.json").globals);
}

TEST(Manifest, EveryFlippedBitIsFound) {
  const std::string text = to_json(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_THROW(parse_manifest(damaged, "m.json"), Corrupt) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(Manifest, EveryCutAndEveryAdditionIsFound) {
  const std::string text = to_json(sample());
  for (std::size_t n = 0; n < text.size(); ++n) {
    EXPECT_THROW(parse_manifest(text.substr(0, n), "m.json"), Corrupt) << n;
  }
  EXPECT_THROW(parse_manifest(text + "\n", "m.json"), Corrupt);
  EXPECT_THROW(parse_manifest(text + text, "m.json"), Corrupt);
}

TEST(Manifest, ErrorsNameTheFile) {
  try {
    parse_manifest("{}", "backup_x.json");
    FAIL() << "accepted";
  } catch (const Corrupt& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("backup_x.json"));
  }
}

pg::TocEntry table_data(int id, const std::string& schema, const std::string& name) {
  pg::TocEntry entry;
  entry.dump_id = id;
  entry.desc = "TABLE DATA";
  entry.schema = schema;
  entry.tag = name;
  return entry;
}

TEST(Manifest, FindsItsTablesInItsArchiveOnly) {
  const Manifest m = sample();
  pg::ArchiveHeader archive;
  pg::TocEntry table = table_data(1, "public", "t\tab");
  table.desc = "TABLE";
  archive.toc = {table, table_data(7, "public", "t\tab"), table_data(3, "", "ä")};
  const auto found = tables_by_id(m, archive);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(7), &m.tables[0]);
  EXPECT_EQ(found->at(3), &m.tables[1]);

  pg::ArchiveHeader fewer = archive;
  fewer.toc.pop_back();
  pg::ArchiveHeader more = archive;
  more.toc.push_back(table_data(8, "public", "new"));
  pg::ArchiveHeader other = archive;
  other.toc[1].tag = "another";
  for (const pg::ArchiveHeader& wrong : {fewer, more, other}) {
    EXPECT_FALSE(tables_by_id(m, wrong));
  }
}

}  // namespace
}  // namespace pgstow
