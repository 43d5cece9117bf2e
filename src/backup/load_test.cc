// What our loaders make of an archive, against what pg_restore alone makes of it.
#include "backup/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/dump_text.h"
#include "harness/postgres.h"
#include "harness/program.h"
#include "harness/random_schema.h"
#include "pg/archive_proof.h"
#include "pg/archive_writer.h"
#include "pg/block_inflater.h"
#include "pg/table_selection.h"
#include "pg/toc_parts.h"
#include "store/testing_context.h"
#include "stream/compression.h"
#include "stream/pack.h"
#include "stream/sha256.h"
#include "stream/testing.h"
#include "stream/testing_gzip.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

using test::first_difference;
using ::testing::AllOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

struct NoProgress final : Progress {
  void update(const ProgressState& /*state*/) override {}
  void done() override {}
};

class Load : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_.emplace(); }
  static void TearDownTestSuite() { server_.reset(); }

  static std::string program(const char* name) { return test::postgres_programs() / name; }

  static std::string dump(const std::string& database, const std::vector<std::string>& options) {
    test::Program p{.argv = {program("pg_dump"), "-Fc"}};
    p.argv.insert(p.argv.end(), options.begin(), options.end());
    p.argv.push_back(server_->url(database));
    return test::run_ok(p);
  }

  static Verified verified(const std::string& file) {
    testing::StringSource source(file);
    HashSource stored(source);
    const std::unique_ptr<Source> unpacked = open_unpacked(stored, Decoder::kFast, 1);
    const std::string archive = testing::read_all(*unpacked);
    pg::ProofTaker taker;
    pg::BlockInflater inflater(taker);
    pg::ArchiveParser parser(inflater);
    parser.write(archive);
    parser.finish();
    return {.archive = taker.header(),
            .proof = taker.finish(),
            .raw = {.bytes = archive.size(), .sha256 = ""},
            .stored = {.bytes = stored.bytes(), .sha256 = stored.digest()}};
  }

  static LoadJob job(const std::string& database) {
    return {.server = {{"host", server_->socket_dir()},
                       {"port", std::to_string(server_->port())},
                       {"user", "postgres"},
                       {"dbname", database}},
            .server_version = 150000,
            .pg_restore = {.path = program("pg_restore"), .major = 15, .version = ""},
            .threads = 2,
            .sessions = 3,
            .stall = std::chrono::seconds(60),
            .piece_bytes = 500,
            .least_binary_bytes = 0,
            .least_key_bytes = 1,
            .least_early_work = 1};
  }

  void load_file(const LoadJob& job, const std::string& file) {
    testing::StringSource source(file);
    NoProgress progress;
    load(job, source, verified(file), context.context(), progress);
  }

  static std::string fresh(const std::string& name) {
    const std::string there = "select count(*) from pg_database where datname = '" + name + "'";
    if (server_->value("postgres", there) == "1") {
      server_->sql("postgres", "drop database " + name);
    }
    server_->create_database(name);
    return name;
  }

  static void restore_by_stock(const std::string& archive, const std::string& database) {
    const test::Outcome restore =
        test::run({.argv = {program("pg_restore"), "--exit-on-error", "-d", server_->url(database)},
                   .input = archive});
    ASSERT_TRUE(restore.ok()) << restore.describe();
  }

  std::string error_of(const LoadJob& job, const std::string& file) {
    try {
      load_file(job, file);
    } catch (const Error& e) {
      return std::string(e.what()) + " hint: " + e.hint();
    }
    return "no error";
  }

  static std::optional<test::TestServer> server_;
  test::TestContext context;
};

std::optional<test::TestServer> Load::server_;

// As ours are made: in chunks of 256 KiB.
std::string rewritten(const std::string& archive) {
  testing::StringSink sink;
  pg::ArchiveWriter writer(sink);
  pg::ArchiveParser parser(writer);
  parser.write(archive);
  parser.finish();
  return sink.bytes();
}

std::string packed(const std::string& archive, const char* compression) {
  testing::StringSink sink;
  Packer packer(sink, parse_compression(compression), 2);
  packer.write(archive);
  packer.finish();
  return sink.bytes();
}

TEST_F(Load, MakesWhatPgRestoreMakes) {
  fresh("rich");
  server_->script("rich", test::test_sql("rich.sql"));
  const std::string plain = dump("rich", {"-Z0"});
  const std::string deflated = dump("rich", {"-Z6"});
  restore_by_stock(plain, fresh("stock"));
  const std::string expected = test::dump_text(*server_, "stock");
  struct File {
    const char* what;
    std::string bytes;
  };
  for (const File& file :
       {File{"ours", packed(rewritten(plain), "gzip:4")},
        File{"ours by zstd", packed(rewritten(plain), "zstd:3")}, File{"stock", plain},
        File{"the guide's: compressed inside, and by gzip", testing::gzip_by_zlib(deflated)}}) {
    SCOPED_TRACE(file.what);
    load_file(job(fresh("ours")), file.bytes);
    EXPECT_EQ(first_difference(expected, test::dump_text(*server_, "ours")), "");
  }
}

TEST_F(Load, MakesManyLargeObjectsAndGivesThemToTheirOwners) {
  server_->sql("postgres", "create role \"the \"\"owner\"\"\"");
  server_->sql(fresh("objects"),
               "select count(lo_from_bytea(5000 + n, convert_to(repeat(md5(n::text), n % 5), "
               "'utf8'))) from generate_series(1, 1100) n;"
               "select lo_create(4000000000);"
               "alter large object 5007 owner to \"the \"\"owner\"\"\";"
               "alter large object 5700 owner to \"the \"\"owner\"\"\";"
               "comment on large object 5007 is 'seven';"
               "grant select on large object 5008 to \"the \"\"owner\"\"\"");
  const std::string archive = dump("objects", {"-Z0"});
  restore_by_stock(archive, fresh("stock"));
  const std::string expected = test::dump_text(*server_, "stock");
  load_file(job(fresh("ours")), archive);
  EXPECT_EQ(first_difference(expected, test::dump_text(*server_, "ours")), "");

  LoadJob others = job(fresh("ours"));
  others.no_owner = true;
  load_file(others, archive);
  EXPECT_EQ(server_->value("ours",
                           "select count(*) from pg_largeobject_metadata where lomowner = "
                           "'postgres'::regrole"),
            "1101");

  server_->sql(fresh("ours"), "select lo_create(5001)");
  EXPECT_THAT(error_of(job("ours"), archive), HasSubstr("pg_largeobject_metadata_oid_index"));
  EXPECT_EQ(server_->value("ours", "select count(*) from pg_largeobject_metadata"), "1");
}

// A check writes down by which statement each row comes.
TEST_F(Load, RowsGoInAsBinaryUntilOneIsOnlyText) {
  server_->sql(
      fresh("mixed"),
      "create table seen (query text);"
      "create function see() returns boolean language plpgsql as "
      "$$ begin insert into public.seen values (current_query()); return true; end $$;"
      "create table t (id int, day date, note text, check (see()));"
      "insert into t select i, date '2026-01-01' + i, repeat('ab\t', 3000) from "
      "generate_series(1, 300) i;"
      "insert into t select i, date '0044-03-15 BC', 'ides' from generate_series(1, 10) i;"
      "insert into t select i, date '2026-01-01' + i, repeat('cd\\', 3000) from "
      "generate_series(1, 300) i;"
      "create table \"odd \"\" name\" (\"a, (b\" int, c int generated always as (1) stored, "
      "check (see()));"
      "insert into \"odd \"\" name\" select generate_series(1, 300);"
      "create extension seg;"  // without a receive function
      "create table spans (t text, s seg generated always as (t::seg) stored);"
      "insert into spans select i || '..' || 2 * i from generate_series(1, 300) i;"
      "truncate seen");
  const std::string archive = dump("mixed", {"-Z0"});
  restore_by_stock(archive, fresh("stock"));
  LoadJob ours = job(fresh("ours"));
  ours.sessions = 1;
  ours.piece_bytes = 100'000;
  load_file(ours, archive);
  const auto rows_of = [](const std::string& copy) {
    return server_->value("ours", "select count(*) from seen where query = $$" + copy + "$$");
  };
  EXPECT_EQ(rows_of("COPY public.\"odd \"\" name\" (\"a, (b\") FROM stdin (FORMAT binary)"), "300");
  const int binary = std::stoi(rows_of("COPY public.t (id, day, note) FROM stdin (FORMAT binary)"));
  const int text = std::stoi(rows_of("COPY public.t (id, day, note) FROM stdin;\n"));
  EXPECT_EQ(binary + text, 610);
  EXPECT_THAT(binary, AllOf(Gt(0), Le(300)));
  server_->sql("ours", "truncate seen");
  server_->sql("stock", "truncate seen");
  EXPECT_EQ(first_difference(test::dump_text(*server_, "stock"), test::dump_text(*server_, "ours")),
            "");
}

// No loaders of ours take these: pg_restore does it all.
TEST_F(Load, LeavesInsertStatementsToPgRestore) {
  server_->sql(fresh("small"), "create table t as select generate_series(1, 100) as i");
  load_file(job(fresh("ours")), dump("small", {"-Z0", "--inserts"}));
  EXPECT_THAT(context.logged(), HasSubstr("pg_restore loads them"));
  EXPECT_EQ(first_difference(test::dump_text(*server_, "small"), test::dump_text(*server_, "ours")),
            "");
}

TEST_F(Load, MakesWhatPgRestoreMakesOfSchemasOfChance) {
  for (std::uint64_t seed = 0; seed < 50; seed += 25) {
    fresh("chance");
    for (std::uint64_t i = seed; i < seed + 25; ++i) {
      SCOPED_TRACE(i);
      server_->sql("chance", test::random_schema("g" + std::to_string(i), i));
    }
    const std::string archive = dump("chance", {"-Z0"});
    restore_by_stock(archive, fresh("stock"));
    LoadJob ours = job(fresh("ours"));
    ours.piece_bytes = 1 + seed * 100;
    ours.sessions = 1 + static_cast<unsigned>(seed / 25) * 3;
    load_file(ours, archive);
    EXPECT_EQ(
        first_difference(test::dump_text(*server_, "stock"), test::dump_text(*server_, "ours")),
        "");
  }
}

// Built as indexes, they are the keys that pg_restore makes, with all that hangs on them.
TEST_F(Load, KeysThatAreBuiltAsIndexesAreTheSame) {
  server_->sql(
      fresh("keyed"),
      "create extension pg_trgm;"
      "create table k (id int, n int, \"odd \"\"name\" text, during int4range, at timestamptz);"
      "insert into k select i, i % 7, 'x' || i, int4range(i, i + 1) from generate_series(1, 3000) "
      "i;"
      "alter table k add constraint \"K (1)\" primary key (id) include (n) with (fillfactor = 70);"
      "alter table k add unique (\"odd \"\"name\", n) deferrable initially deferred;"
      "alter table k add constraint late unique (n, id) deferrable;"
      "alter table k add unique nulls not distinct (at, id);"
      "alter table k add exclude using gist (during with &&);"
      "create index on k (n);"
      "alter table k cluster on \"K (1)\"; alter table k replica identity using index \"K (1)\";"
      "comment on constraint \"K (1)\" on k is 'the key'; comment on index late is 'late';"
      "alter index late depends on extension pg_trgm;"
      "create table child (k int references k, z int primary key, unique (k, z));"
      "insert into child select i, i from generate_series(1, 3000) i;"
      "create table part (id int, v int, primary key (id), unique (id, v)) partition by range "
      "(id);"
      "create table parent (id int primary key, n int); create index on parent (n);"
      "insert into parent select i, i from generate_series(1, 3000) i;"
      "create table heir (primary key (id)) inherits (parent); create index on heir (n);"
      "insert into heir select i, i from generate_series(1, 3000) i;"
      "create table part1 partition of part for values from (0) to (1500);"
      "create table part2 partition of part default;"
      "create index on part (v); insert into part select i, i from generate_series(1, 3000) i;"
      "create table refers (id int references part); insert into refers values (7);"
      "create table waited_for (id int primary key, n int); create index on waited_for (n);"
      "insert into waited_for values (1);"
      "create materialized view grouped as select w.*, count(*) from waited_for w group by id");
  const std::string archive = dump("keyed", {"-Z0"});
  const Verified found = verified(archive);
  std::map<int, std::uint64_t> bytes;
  for (const auto& [id, table] : found.proof.tables) bytes[id] = table.bytes;
  std::vector<std::string> apart;
  constexpr pg::KeyIndexOptions kAll{.server_version = 150000, .least_bytes = 1};
  for (const pg::TocEntry& entry : pg::with_key_indexes(found.archive, bytes, kAll).toc) {
    if (entry.desc == "CONSTRAINT" && entry.defn->find("USING INDEX") != std::string::npos) {
      apart.push_back(entry.tag);
    }
  }
  EXPECT_THAT(apart, UnorderedElementsAre(
                         "k K (1)", "k k_odd \"name_n_key", "k late", "k k_at_id_key",
                         "child child_pkey", "child child_k_z_key", "waited_for waited_for_pkey",
                         "parent parent_pkey", "heir heir_pkey", "part1 part1_pkey",
                         "part1 part1_id_v_key", "part2 part2_pkey", "part2 part2_id_v_key"));
  for (const unsigned sessions : {1U, 3U}) {
    LoadJob watched = job(fresh("ours"));
    watched.sessions = sessions;
    server_->sql("ours",
                 "create schema watch; create table watch.seen (what text);"
                 "create function watch.see() returns event_trigger language plpgsql as $$ begin "
                 "insert into watch.seen select object_identity from "
                 "pg_event_trigger_ddl_commands(); end $$;"
                 "create event trigger see on ddl_command_end when tag in ('CREATE INDEX') "
                 "execute function watch.see()");
    load_file(watched, archive);
    EXPECT_EQ(server_->value("ours", "select count(*) from watch.seen where what like '%K (1)%'"),
              sessions == 1 ? "0" : "1");
  }
  load_file(job(fresh("ours")), archive);
  restore_by_stock(archive, fresh("stock"));
  const std::string expected = test::dump_text(*server_, "stock");
  EXPECT_EQ(first_difference(expected, test::dump_text(*server_, "ours")), "");
  const char* catalogue =
      "select string_agg(concat_ws(' ', conrelid::regclass, conname, contype, condeferrable,"
      " condeferred, convalidated, conindid::regclass, indisprimary, indisunique, indimmediate,"
      " indisvalid, indisclustered, indisreplident, (select string_agg(concat_ws(':', deptype,"
      " refclassid::regclass, refobjsubid), ',' order by deptype, refclassid, refobjsubid)"
      " from pg_depend where objid = indexrelid)), E'\\n' order by conrelid::regclass::text, "
      "conname)"
      " from pg_constraint join pg_index on indexrelid = conindid where contype <> 'f'";
  EXPECT_EQ(server_->value("ours", catalogue), server_->value("stock", catalogue));
}

TEST_F(Load, KeysThatAreBuiltAsIndexesFollowTheirTableToAnotherSchema) {
  server_->sql(fresh("keyed"),
               "create table k (id int primary key, n int unique); create index on k (n);"
               "insert into k select i, i from generate_series(1, 300) i");
  const std::string archive = dump("keyed", {"-Z0"});
  Verified found = verified(archive);
  found.archive = pg::in_schemas(found.archive, {{"public", "beside \"it\""}});
  server_->sql(fresh("ours"), "create schema \"beside \"\"it\"\"\"");
  testing::StringSource source(archive);
  NoProgress progress;
  load(job("ours"), source, found, context.context(), progress);
  EXPECT_EQ(server_->value("ours",
                           "select string_agg(concat_ws(' ', contype, conname, conindid::regclass),"
                           " ', ' order by conname) from pg_constraint where contype in "
                           "('p', 'u') and conname like 'k%'"),
            "u k_n_key \"beside \"\"it\"\"\".k_n_key, p k_pkey \"beside \"\"it\"\"\".k_pkey");
  EXPECT_THAT(context.logged(), HasSubstr("keys_among_them=2"));
}

// The row that is there already makes the key impossible.
TEST_F(Load, AKeyThatCannotBeBuiltIsAnErrorAndTheRestIsMade) {
  server_->sql(fresh("keyed"),
               "create table k (id int primary key, n int); create index on k (n);"
               "insert into k select i, i from generate_series(1, 300) i");
  const std::string archive = dump("keyed", {"-Z0"});
  LoadJob ours = job("ours");
  for (const bool stop_at_error : {true, false}) {
    server_->sql(fresh("ours"),
                 "create function add() returns event_trigger language plpgsql as $$ begin "
                 "insert into public.k values (7, 0); end $$;"
                 "create event trigger add on ddl_command_end when tag in ('CREATE TABLE') "
                 "execute function add()");
    ours.stop_at_error = stop_at_error;
    EXPECT_THAT(error_of(ours, archive), HasSubstr("k_pkey"));
    EXPECT_EQ(server_->value("ours", "select count(*) from pg_constraint where conname = 'k_pkey'"),
              "0");
  }
  EXPECT_EQ(server_->value("ours",
                           "select string_agg(indexrelid::regclass::text, '') from "
                           "pg_index where indrelid = 'k'::regclass"),
            "k_n_idx");
  EXPECT_EQ(server_->value("ours", "select count(*) from k"), "301");
}

// The function finds nothing before the last table has its rows, and the index by it would be
// wrong: it waits. A built-in one looks at nothing else.
TEST_F(Load, BuildsIndexesOfATableAsSoonAsItHasItsRows) {
  server_->sql(fresh("indexed"),
               "create table a (id int, words text); create table z (id int, name text);"
               "insert into a select i, 'word ' || i from generate_series(1, 5000) i;"
               "insert into z select i, 'name ' || i from generate_series(1, 100000) i;"
               "create function name_of(int) returns text immutable language sql as "
               "'select name from public.z where id = $1';"
               "create index early on a using gin (to_tsvector('simple', words));"
               "create index late on a (public.name_of(id));"
               "create index last on z (name)");
  const std::string archive = dump("indexed", {"-Z0"});
  load_file(job(fresh("ours")), archive);
  EXPECT_THAT(context.logged(),
              AllOf(HasSubstr("building an index while rows are loaded index=early"),
                    Not(HasSubstr("index=late"))));
  EXPECT_EQ(
      first_difference(test::dump_text(*server_, "indexed"), test::dump_text(*server_, "ours")),
      "");
  const char* by_index =
      "set enable_seqscan = off; select count(*) from a where name_of(id) = 'name 77'";
  EXPECT_EQ(server_->value("ours", by_index), "1");

  LoadJob large = job(fresh("ours"));
  large.least_early_work = std::uint64_t{1} << 30;
  test::TestContext other;
  testing::StringSource source(archive);
  NoProgress progress;
  load(large, source, verified(archive), other.context(), progress);
  EXPECT_THAT(other.logged(), Not(HasSubstr("index=")));
}

TEST_F(Load, AnIndexThatFailsWhileRowsAreLoadedIsTheEndOrIsToldThere) {
  server_->sql(fresh("indexed"),
               "create table a (id int); insert into a select generate_series(1, 5000);"
               "create index early on a (id); create table z (id int primary key);"
               "insert into z select generate_series(1, 100000)");
  const std::string archive = dump("indexed", {"-Z0"});
  for (const bool stop_at_error : {true, false}) {
    LoadJob ours = job(fresh("ours"));
    ours.stop_at_error = stop_at_error;
    const std::size_t logged = context.logged().size();
    server_->sql("ours",
                 "create function refuse() returns event_trigger language plpgsql as "
                 "$$ begin raise 'no index today'; end $$;"
                 "create event trigger refuse on ddl_command_start when tag in ('CREATE INDEX') "
                 "execute function refuse()");
    EXPECT_THAT(error_of(ours, archive), HasSubstr("no index today"));
    EXPECT_THAT(context.logged().substr(logged),
                HasSubstr("building an index while rows are loaded"));
    if (stop_at_error) continue;  // the rest is done all the same
    EXPECT_EQ(server_->value("ours", "select count(*) from z"), "100000");
    EXPECT_EQ(
        server_->value("ours", "select count(*) from pg_index where indrelid = 'z'::regclass"),
        "1");
  }
}

// CREATE EXTENSION makes such tables with their keys, so their order counts. Here an event trigger
// makes them, as no extension that every server has has any; the last row of the first one takes
// its time.
TEST_F(Load, FillsTablesOfExtensionsInTheirOrder) {
  const std::string tables =
      "create table public.zones (id int primary key, check (id < 100000 or "
      "pg_catalog.pg_sleep(0.5)::text is not null));"
      "create table public.areas (id int primary key, zone int not null references public.zones);"
      "alter extension unaccent add table public.zones;"
      "alter extension unaccent add table public.areas;";
  fresh("extended");
  server_->sql("extended", "create extension unaccent;" + tables +
                               "update pg_extension set extconfig = array['areas'::regclass::oid, "
                               "'zones'::regclass::oid], extcondition = array['', ''] where "
                               "extname = 'unaccent';"
                               "insert into zones select generate_series(1, 100000);"
                               "insert into areas values (1, 100000);"
                               "create table other as select generate_series(1, 1000) as i");
  const std::string archive = dump("extended", {"-Z0"});
  const auto make = [&](const std::string& more) {
    server_->sql(fresh("ours"),
                 "create function make() returns event_trigger language plpgsql as $$ begin " +
                     tables + more +
                     " end $$; create event trigger make on ddl_command_end when tag in "
                     "('CREATE EXTENSION') execute function make()");
  };
  make("");
  load_file(job("ours"), archive);
  EXPECT_EQ(server_->value("ours", "select count(*) from zones"), "100000");
  EXPECT_EQ(server_->value("ours", "select zone from areas"), "100000");
  EXPECT_EQ(server_->value("ours", "select count(*) from other"), "1000");

  // One that fails does not take the others with it where errors are kept.
  make("insert into public.zones values (3);");
  LoadJob lenient = job("ours");
  lenient.stop_at_error = false;
  EXPECT_THAT(error_of(lenient, archive), HasSubstr("zones"));
  EXPECT_EQ(server_->value("ours", "select count(*) from zones"), "1");
  EXPECT_EQ(server_->value("ours", "select count(*) from other"), "1000");
}

// One COPY for all of their rows: a key among them is looked at when it ends.
TEST_F(Load, TablesOfExtensionsStayText) {
  const std::string tables =
      "create table public.steps (id int primary key, next int references public.steps, day date);"
      "alter extension unaccent add table public.steps;";
  fresh("extended");
  server_->sql("extended",
               "create extension unaccent;" + tables +
                   "update pg_extension set extconfig = array['steps'::regclass::oid], "
                   "extcondition = array[''] where extname = 'unaccent';"
                   "insert into steps select i, i % 90000 + 1, case i when 60000 then "
                   "date '0044-03-15 BC' else '2026-01-01' end from generate_series(1, 90000) i");
  server_->sql(fresh("ours"),
               "create function make() returns event_trigger language plpgsql as $$ begin " +
                   tables +
                   " end $$; create event trigger make on ddl_command_end when tag in "
                   "('CREATE EXTENSION') execute function make()");
  load_file(job("ours"), dump("extended", {"-Z0"}));
  EXPECT_EQ(server_->value("ours", "select count(*) from steps"), "90000");
}

// What is wrong with the rows of one shows at the end of its COPY; the session goes on with others.
TEST_F(Load, AnErrorAtTheEndOfABinaryCopyIsOfItsTable) {
  server_->sql(fresh("two"),
               "create table a (id int); insert into a select generate_series(1, 20);"
               "create table b (id int, day date); insert into b select i, '2026-01-01' from "
               "generate_series(1, 20) i");
  const std::string archive = dump("two", {"-Z0"});
  LoadJob ours = job(fresh("ours"));
  ours.sessions = 1;
  ours.stop_at_error = false;
  server_->sql(
      "ours",
      "create function refuse() returns trigger language plpgsql as "
      "$$ begin raise 'not these rows'; end $$;"
      "create function watch() returns event_trigger language plpgsql as $$ begin "
      "if to_regclass('public.a') is not null and not exists (select from pg_trigger) then "
      "create trigger refuse after insert on public.a execute function public.refuse(); "
      "end if; end $$;"
      "create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') "
      "execute function watch()");
  EXPECT_THAT(error_of(ours, archive), HasSubstr("loading public.a: not these rows"));
  EXPECT_EQ(server_->value("ours", "select count(*) from a"), "0");
  EXPECT_EQ(server_->value("ours", "select count(*) from b"), "20");
  EXPECT_THAT(context.logged(), HasSubstr("binary_tables=2"));
}

}  // namespace
}  // namespace pgstow
