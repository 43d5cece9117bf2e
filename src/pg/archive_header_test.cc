#include "pg/archive_header.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "harness/program.h"
#include "pg/archive_encoding.h"
#include "pg/archive_fixtures.h"

namespace pgstow::pg {
namespace {

using namespace fixtures;

// What `pg_restore -l` prints, made of our table of contents.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace(text, '\r', ' ');
  return text;
}

bool is_listed(const TocEntry& entry) {
  for (const char* hidden :
       {"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"}) {
    if (entry.desc == hidden) return false;
  }
  const bool about =
      entry.desc == "ACL" || entry.desc == "COMMENT" || entry.desc == "SECURITY LABEL";
  return !about || !entry.tag.starts_with("DATABASE ");
}

std::string listing(const ArchiveHeader& header) {
  const auto& at = header.created;
  std::string out = fmt::format(
      ";\n; Archive created at {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC\n;     dbname: {}\n"
      ";     TOC Entries: {}\n;     Compression: {}\n;     Dump Version: 1.{}-0\n"
      ";     Format: CUSTOM\n;     Integer: 4 bytes\n;     Offset: 8 bytes\n"
      ";     Dumped from database version: {}\n;     Dumped by pg_dump version: {}\n;\n;\n"
      "; Selected TOC Entries:\n;\n",
      at[5] + 1900, at[4] + 1, at[3], at[2], at[1], at[0], header.database, header.toc.size(),
      header.compression, header.minor, header.server_version, header.dump_version);
  for (const TocEntry& entry : header.toc) {
    if (!is_listed(entry)) continue;
    out += fmt::format("{}; {} {} {} {} {} {}\n", entry.dump_id, entry.table_oid, entry.oid,
                       entry.desc, one_line(entry.schema.value_or("-")), one_line(entry.tag),
                       one_line(entry.owner.value_or("")));
  }
  return out;
}

ArchiveHeader decode(std::string_view bytes, std::size_t piece = SIZE_MAX) {
  HeaderDecoder decoder;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done();) {
    at += decoder.add(bytes.substr(at, piece));
  }
  if (!decoder.done()) throw Corrupt("cut");
  return decoder.take();
}

class GoldenHeader : public testing::TestWithParam<std::string_view> {};

TEST_P(GoldenHeader, ListsAsPgRestoreDoes) {
  const std::string expected = test::run_ok(
      {.argv = {"pg_restore", "-l", golden_path(GetParam()).string()}, .env = {"TZ=UTC"}});
  EXPECT_EQ(listing(decode(golden(GetParam()))), expected);
}

TEST_P(GoldenHeader, IsEncodedAsItWas) {
  const std::string archive = golden(GetParam());
  HeaderDecoder decoder;
  const std::size_t size = decoder.add(archive);
  ASSERT_TRUE(decoder.done());
  EXPECT_LT(size, archive.size());
  EXPECT_EQ(decoder.position(), size);
  EXPECT_EQ(encode_header(decoder.take()), archive.substr(0, size));
}

TEST_P(GoldenHeader, IsTheSameInPieces) {
  const std::string archive = golden(GetParam());
  const std::string whole = encode_header(decode(archive));
  for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
    EXPECT_EQ(encode_header(decode(archive, piece)), whole) << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, GoldenHeader, testing::ValuesIn(kGoldens));

rc::Gen<std::string> texts() {
  return rc::gen::container<std::string>(rc::gen::element('a', '\n', '\'', '"', '\0', '\xff'));
}

rc::Gen<OptionalText> optional_texts() {
  return rc::gen::map(rc::gen::pair(rc::gen::arbitrary<bool>(), texts()),
                      [](std::pair<bool, std::string> made) {
                        return made.first ? OptionalText(std::move(made.second)) : OptionalText();
                      });
}

TocEntry any_entry(int dump_id) {
  TocEntry entry = table_entry(dump_id);
  entry.has_data = *rc::gen::arbitrary<bool>();
  entry.tag = *texts();
  entry.section = *rc::gen::element(Section::kNone, Section::kPreData, Section::kPostData);
  for (OptionalText* text : {&entry.defn, &entry.drop, &entry.copy, &entry.schema,
                             &entry.tablespace, &entry.table_am, &entry.owner, &entry.with_oids}) {
    *text = *optional_texts();
  }
  entry.dependencies = *rc::gen::container<std::vector<std::string>>(texts());
  if (!entry.has_data) entry.offset.state = DataOffset::State::kNoData;
  entry.offset.position = *rc::gen::arbitrary<std::uint64_t>();
  return entry;
}

RC_GTEST_PROP(HeaderDecoder, DecodesWhatIsEncoded, ()) {
  const int minor = *rc::gen::element(14, 15, 16);
  ArchiveHeader header = header_of({}, minor);
  header.compression = *rc::gen::inRange(0, 4);
  for (int& part : header.created) part = *rc::gen::arbitrary<int>();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    header.toc.push_back(any_entry(i));
    if (minor == 16) header.toc.back().relkind = *rc::gen::arbitrary<int>();
  }
  const std::string bytes = encode_header(header);
  HeaderDecoder decoder;
  RC_ASSERT(decoder.add(bytes + "rest") == bytes.size());
  RC_ASSERT(decoder.done());
  const ArchiveHeader back = decoder.take();
  RC_ASSERT(encode_header(back) == bytes);
  RC_ASSERT(back.toc.size() == header.toc.size());
  for (std::size_t i = 0; i < back.toc.size(); ++i) {
    RC_ASSERT(back.toc[i].tag == header.toc[i].tag);
    RC_ASSERT(back.toc[i].with_oids == header.toc[i].with_oids);
    RC_ASSERT(back.toc[i].dependencies == header.toc[i].dependencies);
    RC_ASSERT(back.toc[i].offset.position == header.toc[i].offset.position);
  }
}

TEST(HeaderDecoder, WritesNumbersAsPgDumpDoes) {
  EXPECT_EQ(number(0), std::string("\0\0\0\0\0", 5));
  EXPECT_EQ(number(258), std::string("\0\2\1\0\0", 5));
  EXPECT_EQ(number(-1), std::string("\1\1\0\0\0", 5));
  EXPECT_EQ(number(INT32_MIN), std::string("\1\0\0\0\x80", 5));
  std::string oid;
  append_oid(oid, 3'000'000'000U);
  EXPECT_EQ(oid, number(-1294967296));
}

RC_GTEST_PROP(HeaderDecoder, ReadsNumbersBack, (int value)) {
  RC_ASSERT(decode_int(number(value)) == value);
}

TEST(HeaderDecoder, RefusesNumbersThatPgDumpDoesNotWrite) {
  EXPECT_EQ(decode_int({"\2\1\0\0\0", 5}), std::nullopt);
  EXPECT_EQ(decode_int({"\1\0\0\0\0", 5}), std::nullopt);
  EXPECT_EQ(decode_int({"\0\0\0\0\x80", 5}), std::nullopt);
  EXPECT_EQ(decode_int({"\1\1\0\0\x80", 5}), std::nullopt);
}

std::string changed(std::string bytes, std::size_t at, int value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

TEST(HeaderDecoder, RefusesOtherVersionsAsUnknownNotAsCorrupt) {
  const std::string bytes = encode_header(header_of({table_entry(1)}));
  const std::pair<std::size_t, int> changes[] = {{5, 2}, {6, 13}, {6, 17}, {7, 1},
                                                 {8, 8}, {9, 4},  {10, 3}};
  for (const auto& [at, value] : changes) {
    try {
      decode(changed(bytes, at, value));
      ADD_FAILURE() << at;
    } catch (const Corrupt& e) {
      ADD_FAILURE() << e.what();
    } catch (const Error& e) {
      EXPECT_TRUE(std::string(e.what()).starts_with("archive: ")) << e.what();
    }
  }
}

TEST(HeaderDecoder, RefusesWhatIsNoArchive) {
  EXPECT_THROW(decode("PGDUMP and more"), Corrupt);
  EXPECT_THROW(decode("-- PostgreSQL database dump"), Corrupt);
  EXPECT_THROW(decode("PX"), Corrupt);
}

// The mistakes are put into the values and encoded: encode_header writes whatever it is given.
void refused(const TocEntry& entry) {
  EXPECT_THROW(decode(encode_header(header_of({entry}))), Corrupt);
}

TEST(HeaderDecoder, RefusesImpossibleEntries) {
  TocEntry entry = table_entry(1);
  EXPECT_NO_THROW(decode(encode_header(header_of({entry}))));
  refused(table_entry(0));
  refused(table_entry(-1));
  entry = table_entry(1);
  entry.has_data = false;
  refused(entry);
  EXPECT_THROW(decode(encode_header(header_of({table_entry(1), table_entry(1)}))), Corrupt);
}

TEST(HeaderDecoder, RefusesAnImpossibleSectionAndOffsetState) {
  TocEntry entry = table_entry(1);
  const std::string bytes = encode_header(header_of({entry}));
  entry.section = Section::kPostData;
  const std::string other = encode_header(header_of({entry}));
  const auto section = std::ranges::mismatch(bytes, other).in1 - bytes.begin();
  const std::size_t state = bytes.size() - 9;
  for (const int value : {0, 5, 255}) {
    EXPECT_THROW(decode(changed(bytes, static_cast<std::size_t>(section), value)), Corrupt);
    EXPECT_THROW(decode(changed(bytes, state, value)), Corrupt);
  }
}

TEST(HeaderDecoder, RefusesAHugeNumberOfEntriesAndALengthBelowNull) {
  std::string bytes = encode_header(header_of({}));
  bytes.resize(bytes.size() - 5);
  EXPECT_THROW(decode(bytes + number(200'000'000)), Corrupt);
  EXPECT_THROW(decode(bytes + number(-1)), Corrupt);
  EXPECT_THROW(decode(bytes + number(1) + number(1) + number(0) + number(-2)), Corrupt);
  EXPECT_THROW(decode(bytes + number(1) + number(1) + number(0) + number(-1)), Corrupt);
}

TEST(HeaderDecoder, SaysWhere) {
  const std::string bytes = encode_header(header_of({table_entry(0)}));
  try {
    decode(bytes);
    FAIL();
  } catch (const Corrupt& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with("archive: byte ")) << e.what();
  }
}

TEST(HeaderDecoder, TakesManyEntriesInSmallPiecesWithoutLookingTwice) {
  std::vector<TocEntry> toc;
  for (int id = 1; id <= 20'000; ++id) toc.push_back(table_entry(id));
  const std::string bytes = encode_header(header_of(std::move(toc)));
  EXPECT_EQ(decode(bytes, 3).toc.size(), 20'000U);
}

}  // namespace
}  // namespace pgstow::pg
