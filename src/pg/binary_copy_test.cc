// What we make of COPY text, against what the server makes of the same rows.
#include "pg/binary_copy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/dump_text.h"
#include "harness/postgres.h"
#include "pg/connection.h"
#include "pg/sql_text.h"
#include "pg/value_forms.h"

namespace pgstow::pg {
namespace {

constexpr const char* kColumns = R"(
  create extension citext;
  create type mood as enum ('glad', 'so so', E'tab\there');
  create domain word as varchar(40);
  create domain tags as text[] check (cardinality(value) < 9);
  create domain count as int check (value < 2000000000);
  create domain small as count check (value is null or value <> 13);
  create table %s (
    t text, v varchar(30), c char(7), w word, m mood, j json, b jsonb, bytes bytea, yes bool,
    i2 int2, i4 int4, i8 int8, s small, f4 float4, f8 float8, n numeric, n2 numeric(30, 7),
    u uuid, d date, h time, h2 time(2), p timestamp, p3 timestamp(3), z timestamptz,
    o oid, na text, iv interval, iv2 interval(2), ip inet, net cidr, ci citext,
    ta text[], ia int[], na2 numeric(20, 3)[], va varchar(9)[], da date[], ma mood[], wa word[], ba bytea[], ua uuid[], za timestamptz[],
    ja jsonb[], iva interval[], ipa inet[], boola bool[], fa float8[], tg tags))";

// Values that are the first or last of their kind, or written in a way of their own.
constexpr const char* kRows = R"(
  insert into %s (t) values (null), (''), (E'\\N'), (E'\\.'), (E'a\tb\nc\rd\\e\bf\fg\vh'),
    ('Grüße, 世界'), (repeat('long ', 5000)), (E'\\'), (E'\x01\x7f');
  insert into %s (v) values (''), (E'x\\y'); insert into %s (c) values (''), ('abc'), ('äöü');
  insert into %s (w) values ('word'); insert into %s (m) select unnest(enum_range(null::mood));
  insert into %s (j, b) values ('{"a": "x\ty\\z \u00e4"}', '{"a": "x\ty\\z \u00e4"}'), ('[]', '[]'),
    (' null ', 'null'), ('"\\"', '"\\"'), ('{"b" :  1, "a":1.50, "a":2}', '{"b":1,"a":1.50,"a":2}');
  insert into %s (bytes) values (''), ('\x00'), ('\xff00'), (E'\\\\'), (decode(repeat('09', 9999), 'hex'));
  insert into %s (yes) values (true), (false);
  insert into %s (i2, i4, i8, s) values (0, 0, 0, 0), (-1, -1, -1, -1), (1, 10, 100, 1000),
    (32767, 2147483647, 9223372036854775807, 1999999999), (-32768, -2147483648, -9223372036854775808, null);
  insert into %s (f4, f8) values (0, 0), ('-0', '-0'), ('nan', 'nan'), ('inf', 'inf'), ('-inf', '-inf'),
    (1e38, 1.7976931348623157e308), ('1e-45', '5e-324'), (0.1, 0.1), (-123456.78, 1e22), (1e6, 1e15), (1e-5, 123456789.123);
  insert into %s (n, n2) values (0, 0), ('0.00', '0.5'), ('nan', 'nan'), (-1, -1), (9999, 10000), (10000, 9999.9999),
    (100000000, 0.0001), (0.0001, 0.00001), ('0.00000000001', '12345678.1234567'), ('-98765432109876543210.0123456789', null),
    (1e130, 1e22), (repeat('9', 900)::numeric, null), (('0.' || repeat('1', 900))::numeric, null), (1.0, 1.10), (1.00000, -0.0000001);
  insert into %s (u) values ('00000000-0000-0000-0000-000000000000'), ('ffffffff-ffff-ffff-ffff-ffffffffffff');
  insert into %s (d, p, z) values ('0001-01-01', '0001-01-01', '0001-01-03'), ('9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-30'),
    ('2000-02-29', '2000-02-29 12:34:56.7', '2000-01-01'), ('infinity', 'infinity', 'infinity'), ('-infinity', '-infinity', '-infinity'),
    ('1999-12-31', '1999-12-31 23:59:59.000001', '1900-01-01 00:00:00.5'), ('2024-12-31', '2024-03-31 02:30', '2024-03-31 01:00:00+00');
  insert into %s (h, h2) values ('00:00', '00:00'), ('23:59:59.999999', '23:59:59.99'), ('12:00:00.1', '1:2:3.4');
  insert into %s (o, na) values (0, ''), (4294967295, E'a\tb'), (2147483648, repeat('n', 63));
  insert into %s (iv, iv2) values ('0', '0'), ('1 year 2 mons -3 days 04:05:06.789', '1.239 s'), ('-1 day +02:03', '-1 mon +1 day'),
    ('-1 year -2 mons +3 days -04:05:06', '3 years'), ('100000 hours', '-0.01 s'), ('1 mon', '1 day'), ('-00:00:00.000001', '1 year 1 s');
  insert into %s (ip, net) values ('192.0.2.1', '192.0.2.0/24'), ('0.0.0.0/0', '0.0.0.0/0'), ('10.1.2.3/8', '10.1.2.3'), ('::', '::/0'),
    ('2001:db8::1/64', '2001:db8::/32'), ('::ffff:1.2.3.4', 'ffff::'), ('255.255.255.255/31', '::1');
  insert into %s (ta, va, wa) values ('{}', '{}', '{}'), (array[''], array[''], array['']::word[]),
    (array['null', 'NULL', null, 'a,b', '{', '}', '"', E'\\', E'x\ty\nz', ' a', 'b ', 'Grüße', repeat('q"', 3000)], array[null, 'x'], array['w', null]::word[]);
  insert into %s (ia, na2, da, ma) values (array[1], array[1], array[date '2000-01-01'], array['so so', 'glad', null, E'tab\there']::mood[]),
    (array[1, null, -2147483648], array[0.001, null, -12345.678, 'NaN'], array[date 'infinity', null], null),
    (array_fill(7, array[20000]), array_fill(1.0, array[9999]), array_fill(date '2026-11-28', array[999]), '{}');
  insert into %s (ba, ua, za, ja, iva, ipa, boola, fa) values (array['\x', '\x00ff', null]::bytea[], array[md5('a')::uuid, null],
    array[timestamptz '2026-01-01', null, 'infinity'], array['{"a": "b, \"c\""}', 'null', null]::jsonb[], array['1 day', '-1 mon +00:00:01', null]::interval[],
    array['::', '10.0.0.0/8', null]::inet[], array[true, false, null], array['nan', '-infinity', 1e-300, null]::float8[]),
    (null, null, null, null, null, array_fill('::'::inet, array[5000]), array_fill(true, array[5000]), array_fill(0::float8, array[5000]));
  insert into %s (ci) values (''), (E'\tAbC\\'), ('Grüße');
  insert into %s (p3) values ('2026-11-28 12:00:00.123'))";

constexpr const char* kRandomRows = R"(
  select setseed(0.5);
  insert into %s select md5(random()::text), left(md5(random()::text), (random() * 30)::int), left(md5(random()::text), 7), 'w' || i,
    (enum_range(null::mood))[1 + i % 3], json_build_object('i', i), jsonb_build_object('r', random(), 'i', i), decode(md5(i::text), 'hex'),
    random() < 0.5, ((random() - 0.5) * 65534)::int2, ((random() - 0.5) * 4294967294)::int4, ((random() - 0.5) * 1.8e19)::int8,
    100 + (random() * 1e9)::int, ((random() - 0.5) * 10 ^ (60 * random() - 30))::float4, (random() - 0.5) * 10 ^ (600 * random() - 300),
    round(((random() - 0.5) * 10 ^ (40 * random() - 20))::numeric, (random() * 30)::int), ((random() - 0.5) * 10 ^ (18 * random()))::numeric,
    md5(random()::text)::uuid, date '0001-01-01' + (random() * 3652058)::int, time '00:00' + random() * interval '1 day',
    time '00:00' + random() * interval '1 day', timestamp '0001-01-01' + random() * interval '9990 years',
    timestamp '2000-01-01' + (random() - 0.5) * interval '300 years', timestamptz '0001-02-01' + random() * interval '9990 years',
    (random() * 4294967295)::bigint::oid, left(md5(random()::text), 1 + i % 30), make_interval(years => (random() * 100 - 50)::int,
    months => (random() * 10 - 5)::int, days => (random() * 100 - 50)::int, secs => random() * 1e6 - 5e5), random() * interval '300 days' - interval '100 days',
    set_masklen('0.0.0.0'::inet + (random() * 4294967295)::bigint, 1 + i % 32), set_masklen(('2001:db8::'::inet + (random() * 1e15)::bigint)::cidr, i % 128 + 1), 'C' || i,
    array[md5(i::text), null, 'a ' || i], array[i, -i], array[i / 7.0, null], array['v' || i], array[date '2026-01-01' + i], null, array['w']::word[],
    null, null, null, null, null, null, null, array[random(), -random()], array['tag', null]::tags
    from generate_series(1, 5000) as i)";

std::string with_name(std::string text, const std::string& table) {
  for (std::size_t at = text.find("%s"); at != std::string::npos; at = text.find("%s")) {
    text.replace(at, 2, table);
  }
  return text;
}

class BinaryCopyOfServer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_.emplace(); }
  static void TearDownTestSuite() { server_.reset(); }

  BinaryCopyOfServer() : session(open("values")) {}

  static Connection open(const std::string& database) {
    server_->sql("postgres", "drop database if exists " + database);
    server_->create_database(database);
    return Connection::open({{"host", server_->socket_dir()},
                             {"port", std::to_string(server_->port())},
                             {"user", "postgres"},
                             {"dbname", database}},
                            {});
  }

  std::string copy(const std::string& what) {
    std::string all;
    session.copy_out(what, [&](std::string_view bytes) { all += bytes; });
    return all;
  }

  // By entries 1, 2, ... for COPY of each.
  ValueForms forms_for(const std::vector<std::string>& targets) {
    ArchiveHeader archive;
    std::map<int, std::uint64_t> bytes;
    for (const std::string& target : targets) {
      TocEntry table;
      table.dump_id = 101 + static_cast<int>(bytes.size());
      table.desc = "TABLE";
      archive.toc.push_back(table);
      TocEntry rows;
      rows.dump_id = 1 + static_cast<int>(bytes.size());
      rows.dependencies = {std::to_string(table.dump_id)};
      rows.has_data = true;
      rows.copy = "COPY " + target + " FROM stdin;\n";
      bytes[rows.dump_id] = 0;
      archive.toc.push_back(rows);
    }
    return value_forms(session, archive, bytes, 0);
  }

  std::vector<ColumnForm> forms(const std::string& table) {
    const std::string names =
        session
            .query(
                "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute "
                "where attnum > 0 and not attisdropped and attrelid = '" +
                table + "'::regclass")
            .text(0, 0);
    const ValueForms known = forms_for({table + " (" + names + ")"});
    return known.contains(1) ? known.at(1) : std::vector<ColumnForm>();
  }

  static std::optional<test::TestServer> server_;
  Connection session;
};

std::optional<test::TestServer> BinaryCopyOfServer::server_;

// The digits of a numeric may be grouped with zeros around them, which the server's own are not:
// these are compared by what becomes of them.
TEST_F(BinaryCopyOfServer, IsWhatTheServerWrites) {
  session.query("set timezone = 'Asia/Kolkata'; set extra_float_digits = 3");
  session.query("set search_path = public");
  session.query(with_name(kColumns, "a"));
  session.query(with_name(kRows, "a"));
  session.query(with_name(kRandomRows, "a"));
  session.query("create table b (like a)");
  const std::vector<ColumnForm> columns = forms("public.a");
  ASSERT_EQ(columns.size(), 47U);
  const std::string text = copy("COPY a TO STDOUT");
  BinaryCopy converter(columns);
  const std::optional<BinaryRows> rows = converter.convert(text);
  ASSERT_TRUE(rows);
  EXPECT_EQ(std::to_string(rows->count), session.query("select count(*) from a").text(0, 0));

  session.begin_copy_in("COPY b FROM stdin (FORMAT binary)");
  session.copy_in(kBinaryCopyBegin, {});
  session.copy_in(rows->bytes, {});
  session.copy_in(kBinaryCopyEnd, {});
  EXPECT_EQ(session.end_copy_in({}), rows->count);
  const auto sorted = [&](const std::string& table, const char* format) {
    return copy("COPY (SELECT * FROM " + table +
                " AS the_row ORDER BY the_row::text) TO STDOUT (FORMAT " + format + ")");
  };
  EXPECT_EQ(test::first_difference(sorted("a", "text"), sorted("b", "text")), "");
  EXPECT_TRUE(sorted("a", "binary") == sorted("b", "binary"));

  session.query("alter table a drop n, drop n2, drop na2");
  BinaryCopy without_numerics(forms("public.a"));
  const std::optional<BinaryRows> same = without_numerics.convert(copy("COPY a TO STDOUT"));
  ASSERT_TRUE(same);
  EXPECT_TRUE(std::string(kBinaryCopyBegin).append(same->bytes).append(kBinaryCopyEnd) ==
              copy("COPY a TO STDOUT (FORMAT binary)"));
}

// Offsets of local mean time have seconds.
TEST_F(BinaryCopyOfServer, KnowsZones) {
  session.query("set search_path = public; create table z (z timestamptz)");
  session.query(
      "insert into z select timestamptz '1800-01-01' + i * interval '40 days 7 hours' from "
      "generate_series(1, 3000) i");
  BinaryCopy converter(forms("public.z"));
  for (const char* zone :
       {"UTC", "Europe/Berlin", "America/St_Johns", "Africa/Monrovia", "Pacific/Kiritimati"}) {
    session.query(std::string("set timezone = '") + zone + "'");
    const std::optional<BinaryRows> rows = converter.convert(copy("COPY z TO STDOUT"));
    ASSERT_TRUE(rows) << zone;
    EXPECT_TRUE(std::string(kBinaryCopyBegin).append(rows->bytes).append(kBinaryCopyEnd) ==
                copy("COPY z TO STDOUT (FORMAT binary)"))
        << zone;
  }
}

TEST_F(BinaryCopyOfServer, TypesOfOthersAndLongEncodingsAreLeftAlone) {
  session.query("set search_path = public");
  session.query(
      "create type mine as (a int); create table t (a int, b box[]); create table u (a mine); "
      "create domain pair as int[]; create table p (a pair[]);"
      "create table v (a tsvector); create extension seg;"
      "create table g (t text, s seg generated always as (t::seg) stored); create table \"w W\" "
      "(\"x, (\" int, y text)");
  EXPECT_TRUE(forms("public.t").empty());
  EXPECT_TRUE(forms("public.u").empty());
  EXPECT_TRUE(forms("public.v").empty());
  EXPECT_TRUE(forms("public.p").empty());
  EXPECT_TRUE(forms_for({"public.g (t)"}).empty());  // the server asks how to receive s, too
  EXPECT_EQ(forms("public.\"w W\""),
            (std::vector<ColumnForm>{{ValueForm::kInt4}, {ValueForm::kText}}));
  session.query("set client_encoding = 'SJIS'");
  EXPECT_TRUE(forms("public.\"w W\"").empty());
}

// The columns are those that the COPY names, in its order; a table may be gone.
TEST_F(BinaryCopyOfServer, TakesColumnsAsTheCopyNamesThem) {
  using enum ValueForm;
  session.query(
      "create schema s; create table s.t (gone int, a int, b text, c uuid); alter table s.t drop "
      "gone;"
      "create table public.t (a date, b date); create table public.none ()");
  const ValueForms known =
      forms_for({"s.t (c, b, a)", "s.nobody (a)", "public.t (b)", "s.t (a, z)", "public.none"});
  EXPECT_EQ(known, (ValueForms{{1, {{kUuid}, {kText}, {kInt4}}}, {3, {{kDate}}}}));
}

TEST_F(BinaryCopyOfServer, WithoutRightsATableIsKnownAllTheSame) {
  session.query("create schema closed; create table closed.t (a int); create role nobody");
  session.query("set role nobody");
  EXPECT_EQ(forms_for({"closed.t (a)"}), (ValueForms{{1, {{ValueForm::kInt4}}}}));
}

std::optional<std::string> converted(std::vector<ColumnForm> columns, const std::string& text) {
  BinaryCopy copy(std::move(columns));
  const std::optional<BinaryRows> rows = copy.convert(text);
  if (!rows) return std::nullopt;
  return std::string(rows->bytes);
}

// As little as possible is made of what the server would not write: it has the last word.
TEST(BinaryCopy, LeavesOtherTextsToTheServer) {
  using enum ValueForm;
  const std::vector<std::pair<ValueForm, std::vector<const char*>>> texts{
      {kText, {"\r", "\\", "a\\", "\\q", "\\x41", "\\101", "\\."}},
      {kJsonb, {"\\q"}},
      {kBytea, {"", "abc", "\\\\x1", "\\\\xzz", "\\x00", "\\\\000", "\\\\xé"}},
      {kBool, {"", "true", "T", "1", "tf"}},
      {kInt2, {"", "32768", "-32769", "+1", " 1", "1 ", "0x1", "1.0", "-", "1e1"}},
      {kInt4, {"", "2147483648", "1_000"}},
      {kInt8, {"", "9223372036854775808"}},
      {kFloat4, {"", "1e39", "nan", "inf", "infinity", "1,5", "1.5x", "0x1p3", "--1", "e"}},
      {kFloat8, {"", "1e309", "1e-400", "NAN", "+Infinity"}},
      {kNumeric,
       {"", "-", ".5", "5.", "1e5", "Infinity", "-Infinity", "1,0", "1.2.3", "--1", "+1", " 1"}},
      {kUuid,
       {"", "{00000000-0000-0000-0000-000000000000}", "00000000000000000000000000000000",
        "00000000-0000-0000-0000-00000000000g", "000000000-000-0000-0000-000000000000"}},
      {kDate,
       {"", "0044-03-15 BC", "10000-01-01", "0000-01-01", "2026-02-30", "2026-13-01", "2026-00-01",
        "26-01-01", "2026-1-1", "01/02/2026", "2026-01-01 ", "Infinity"}},
      {kTime,
       {"", "24:00:00", "12:00", "12:60:00", "12:00:60", "12:00:00.", "12:00:00.1234567",
        "12:00:00+00", "1:00:00"}},
      {kTimestamp,
       {"", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00+00",
        "0044-03-15 00:00:00 BC"}},
      {kOid, {"", "-1", "4294967296", "pg_class"}},
      {kInterval,
       {"", "1", "1 day ", "@ 1 day", "+-1 day", "P1D", "1-2", "3 4:05:06", "4:05:06", "1 day ago",
        "1 week", "10000000 days", "1 day 00:60:00", "infinity", "1 day  2 mons", "--00:00:01",
        "1 hour"}},
      {kInet,
       {"", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "01.2.3.4.5", "::/129",
        ":::", "1.2.3.4/8/8", "::1%eth0", "example.org"}},
      {kCidr, {"192.0.2"}},
      {kTimestampTz,
       {"", "2026-01-01 00:00:00", "2026-01-01 00:00:00Z", "2026-01-01 00:00:00 UTC",
        "2026-01-01 00:00:00+0530", "2026-01-01 00:00:00+16", "2026-01-01 00:00:00+05:3",
        "2026-01-01 00:00:00+05-30", "2026-01-01 00:00:00+00 BC", "2026-01-01 00:00:00+"}}};
  for (const auto& [form, values] : texts) {
    for (const char* value : values) {
      EXPECT_FALSE(converted({{form}}, std::string(value) + "\n"))
          << static_cast<int>(form) << ' ' << value;
    }
  }
  EXPECT_FALSE(converted({{kNumeric}}, std::string(1001, '1') + "\n"));
}

TEST(BinaryCopy, LeavesOtherArraysToTheServer) {
  using enum ValueForm;
  for (const char* text : {"",          "{",           "}",      "1",      "{1",    "1}",
                           "{1,}",      "{,1}",        "{1,,2}", "{1 }",   "{ 1}",  "{1, 2}",
                           "{{1},{2}}", "[0:1]={1,2}", "{null}", "{Null}", "{\"1}", "{\"1\"2}",
                           "{1\"2\"}",  "{\"1\\\\\"}", "{a}",    "{1};",   "{1}{2}"}) {
    EXPECT_FALSE(converted({{kInt4, 23}}, std::string(text) + "\n")) << text;
  }
  for (const char* text : {"{null}", "{a b}", "{a{}", "{a\\\\b}"}) {
    EXPECT_FALSE(converted({{kText, 25}}, std::string(text) + "\n")) << text;
  }
  EXPECT_TRUE(converted({{kInt4, 23}}, "{1,NULL,\"3\"}\n"));
}

TEST(BinaryCopy, WantsWholeRowsOfAllColumns) {
  using enum ValueForm;
  EXPECT_EQ(converted({{kText}}, ""), "");
  EXPECT_TRUE(converted({{kInt4}, {kText}}, "1\ta\n2\tb\n"));
  for (const char* text : {"1\n", "1\ta\tb\n", "\n", "1\ta\n\n", "1\ta\n2\n", "1\ta"}) {
    EXPECT_FALSE(converted({{kInt4}, {kText}}, text)) << text;
  }
}

}  // namespace
}  // namespace pgstow::pg
