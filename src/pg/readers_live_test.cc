// Dumps by readers against what pg_dump alone makes of the same snapshot, on a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"
#include "harness/postgres.h"
#include "harness/program.h"
#include "pg/sql_text.h"
#include "pg/testing_dump.h"

namespace pgstow::pg {
namespace {

using namespace testing_dump;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

Parameters parameters(const test::TestServer& server, const std::string& database,
                      const std::string& user = "postgres") {
  return {{"host", server.socket_dir()},
          {"port", std::to_string(server.port())},
          {"user", user},
          {"dbname", database}};
}

// What pg_dump makes alone, of the same snapshot.
std::string peer(const test::TestServer& server, const TestDump& test) {
  return test::run_ok(
      {.argv = {test::postgres_programs() / "pg_dump", "-Fc", "-Z0",
                "--snapshot=" + test.dump->locked.snapshot.id, "--encoding=" + test.plan.encoding,
                server.url(test.leader->database())}});
}

std::map<std::string, Proof> proofs_by_name(const ArchiveHeader& header, const ArchiveProof& of) {
  std::map<std::string, Proof> by_name{{"large objects", of.large_objects}};
  for (const auto& [id, proof] : of.tables) by_name[name_of(*header.find(id))] = proof;
  return by_name;
}

std::map<std::string, Proof> proofs(const std::string& archive) {
  ProofTaker taker;
  fixtures::parse(archive, taker);
  return proofs_by_name(taker.header(), taker.finish());
}

std::set<std::string> read_by_us(const TestDump& test) {
  std::set<std::string> names;
  for (const BigTable& table : test.dump->locked.tables) names.insert(table.relation);
  return names;
}

class ReadersLive : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_.emplace();
    server_->create_database("rich");
    server_->script("rich", test::test_sql("rich.sql"));
    server_->sql("rich", "vacuum analyze");
  }
  static void TearDownTestSuite() { server_.reset(); }

  static std::optional<test::TestServer> server_;
};

std::optional<test::TestServer> ReadersLive::server_;

TEST_F(ReadersLive, MakesTheArchiveThatPgDumpMakes) {
  TestDump test(parameters(*server_, "rich"));
  test.begin();
  const std::string expected = peer(*server_, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
  EXPECT_GT(test.dump->locked.tables.size(), 30U);
  EXPECT_EQ(proofs(expected), proofs_by_name(test.header, test.proof));
}

TEST_F(ReadersLive, LeavesToPgDumpWhatItDumpsInAWayOfItsOwn) {
  TestDump test(parameters(*server_, "rich"));
  test.begin();
  const std::set<std::string> ours = read_by_us(test);
  EXPECT_THAT(ours, Contains(R"("keys"."indexed")"));
  EXPECT_THAT(ours, Contains("\"it's \"\"odd\"\" %s $1 \\ ;\".\"new\nline\""));
  EXPECT_THAT(ours, Not(Contains(R"("parts"."mood_0")")));  // loaded through the root
  EXPECT_THAT(ours, Not(Contains(R"("parts"."by_mood")")));
  EXPECT_THAT(ours, Not(Contains(R"("shapes"."foreign_file")")));
  static_cast<void>(test.finish());
}

// A table of random columns and rows, which were then changed at random. In each line of the list:
// a type, and an expression of the row's number n.
std::string generated_table(const std::string& name, std::uint64_t seed) {
  constexpr const char* kColumns[][2] = {
      {"int", "n"},
      {"text", "case n % 7 when 0 then null when 1 then '' else repeat(md5(n::text), n % 40) end"},
      {"text", R"(E'\\.' || chr(9) || chr(10) || chr(13) || n)"},
      {"numeric", "n / 7.0"},
      {"float8", "1.0 / (n + 1)"},
      {"bytea", "decode(md5(n::text), 'hex')"},
      {"timestamptz", "'2026-01-01'::timestamptz + n * interval '77 minutes'"},
      {"jsonb", R"(jsonb_build_object('n', n, 'a"b', E'\t'))"},
      {"int[]", "array[n, null, -n]"},
      {"boolean", "nullif(n % 3, 0) = 1"}};
  testing::Numbers numbers(seed);
  const auto below = [&](std::uint64_t limit) { return numbers.next() % limit; };
  std::string columns;
  std::string values;
  for (std::uint64_t i = 0, count = below(6); i < count; ++i) {
    const auto& column = kColumns[below(std::size(kColumns))];
    const std::string separator = columns.empty() ? "" : ", ";
    columns += separator + quote_identifier("c" + std::to_string(i) + (i % 2 ? "\"." : "")) + ' ' +
               column[0];
    values += separator + column[1];
  }
  const std::string table = quote_identifier(name);
  std::string sql = "create table " + table + " (" + columns + ");";
  const auto insert = [&](std::uint64_t rows) {
    sql += "insert into " + table + " select " + values + " from generate_series(1, " +
           std::to_string(rows) + ") n;";
  };
  insert(below(3) == 0 ? below(4) : below(2000));
  if (below(3) == 0)
    sql += "create table " + quote_identifier(name + " child") + " () inherits (" + table +
           "); insert into " + quote_identifier(name + " child") + " select * from only " + table +
           " limit 300;";
  if (below(2) == 0) sql += "delete from " + table + " where ctid > '(1,0)' and random() < 0.9;";
  if (below(2) == 0)
    sql += "alter table " + table + " add gone int; alter table " + table + " drop gone;";
  if (below(2) == 0) {
    sql += "alter table " + table + " add late text default 'fast default';";
    sql += "alter table " + table + " add made int generated always as (7) stored;";
  } else if (below(2) == 0) {
    insert(below(500));
  }
  if (below(3) == 0)
    sql += "create unlogged table " + quote_identifier(name + " $u*?") + " as table " + table + ";";
  return sql;
}

TEST_F(ReadersLive, MakesTheArchiveThatPgDumpMakesOfGeneratedTables) {
  const auto seed =
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (const char* encoding : {"utf8", "latin1", "sql_ascii"}) {
    SCOPED_TRACE(encoding);
    const std::string database = std::string("generated_") + encoding;
    server_->sql("postgres", "create database " + database +
                                 " template template0 locale 'C' encoding '" + encoding + "'");
    for (std::uint64_t i = 0; i < 12; ++i) {
      server_->sql(database, generated_table("t" + std::to_string(i) + (i % 3 == 0 ? " ü.\"$" : ""),
                                             seed + i));
    }
    if (seed % 2 == 0) server_->sql(database, "vacuum analyze");
    TestDump test(parameters(*server_, database), [&](DumpPlan& plan) {
      plan.slice_bytes = 8192 << seed % 3;
      plan.ranges_from = seed % 4 == 0 ? 100 : 1;  // now and then whole tables
    });
    test.compression = parse_compression(seed % 2 == 0 ? "gzip:4" : "zstd:1");
    test.begin();
    EXPECT_GE(test.dump->locked.tables.size(), 12U);
    const std::string expected = peer(*server_, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

// Runs statements in a session of its own, whenever they get their locks.
std::jthread later(const test::TestServer& server, const std::string& database,
                   const std::string& sql) {
  return std::jthread([&server, database, sql] { server.sql(database, sql); });
}

void await_waiter(const test::TestServer& server) {
  while (server.value("postgres", "select count(*) from pg_locks where not granted") == "0") {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

constexpr const char* kTables = R"(
  create table a (id int primary key, t text);
  insert into a select i, repeat('a' || i, 30) from generate_series(1, 3000) i;
  create table b (like a);
  insert into b select * from a;
  create table small (i int))";

class ReadersAmongOthers : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { shared_.emplace(); }
  static void TearDownTestSuite() { shared_.reset(); }
  ReadersAmongOthers() {
    server.sql("postgres", "drop database if exists shop");
    server.create_database("shop");
    server.sql("shop", kTables);
    server.sql("shop", "vacuum analyze");
  }
  // Readers that begin with a few slices, and do not read on before somebody takes what they have.
  static void slowly(DumpPlan& plan) { plan.buffer_bytes = 1 << 16; }
  // Also while the dump goes on: the place where the log is written stays.
  static std::string log_of(const TestDump& test) {
    std::string text(1 << 16, '\0');
    const ssize_t n = ::pread(::fileno(test.log_file.get()), text.data(), text.size(), 0);
    if (n < 0) throw_errno("the log");
    text.resize(static_cast<std::size_t>(n));
    return text;
  }

  static std::optional<test::TestServer> shared_;
  const test::TestServer& server = *shared_;
};

std::optional<test::TestServer> ReadersAmongOthers::shared_;

TEST_F(ReadersAmongOthers, SeeTheirSnapshotWhateverOthersDo) {
  TestDump test(parameters(server, "shop"), slowly);
  {
    std::jthread writing([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) server.sql("shop", "update a set t = t || 'y' where id < 9");
    });
    test.begin();
  }
  const std::string expected = peer(server, test);
  server.sql("shop", "update a set t = t || 'x' where id % 2 = 0; delete from b where id > 1000");
  server.sql("shop", "insert into a select i, 'new' from generate_series(3001, 6000) i");
  server.sql("shop", "vacuum freeze a, b");
  EXPECT_EQ(difference(expected, peer(server, test)), "");
  std::jthread truncating = later(server, "shop", "truncate a");
  std::jthread altering = later(server, "shop", "alter table b add column c int; drop table b");
  await_waiter(server);
  EXPECT_EQ(difference(expected, test.finish()), "");
}

TEST_F(ReadersAmongOthers, SeeATableAsItIsOnceItsLockIsTheirs) {
  Connection other = Connection::open(parameters(server, "shop"), {});
  for (const char* change :
       {"truncate public.a", "alter table public.a drop column t", "drop table public.b",
        "alter table public.a rename to c", "drop schema public cascade"}) {
    SCOPED_TRACE(change);
    other.query("begin");
    other.query(change);
    std::jthread commit([&] {
      await_waiter(server);
      other.query("commit");
    });
    TestDump test(parameters(server, "shop"));
    test.begin();
    commit.join();
    const std::string expected = peer(server, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

// The lock of another session gets into the queue between the leader's and pg_dump's.
TEST_F(ReadersAmongOthers, LetAnotherSessionGoFirst) {
  const test::TempDir folder("pgstow-queue-");
  const std::string script = folder / "pg_dump";
  std::ofstream(script) << "#!/bin/bash\nif [ ! -e " << folder / "once" << " ]; then\n  touch "
                        << folder / "once" << "\n  " << test::postgres_programs() / "psql"
                        << " -qX -d '" << server.url("shop") << "' -c 'truncate a' &\n"
                        << "  while [ \"$(" << test::postgres_programs() / "psql" << " -AtX -d '"
                        << server.url("shop")
                        << "' -c 'select count(*) from pg_locks where not granted')\" = 0 ]; do"
                        << " sleep 0.02; done\nfi\nexec " << test::postgres_programs() / "pg_dump"
                        << " \"$@\"\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  TestDump test(parameters(server, "shop"), [&](DumpPlan& plan) { plan.pg_dump.path = script; });
  test.begin();
  EXPECT_NE(log_of(test).find("beginning again"), std::string::npos);
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
  EXPECT_EQ(server.value("shop", "select count(*) from a"), "0");
  EXPECT_THAT(read_by_us(test), Contains(R"("public"."a")"));
}

// Of all sizes around those that are cut, of three owners, one with holes.
constexpr const char* kObjects = R"(
  create role "O'Neill";
  select lo_from_bytea(n, substring(convert_to(repeat(md5(n::text), 40000), 'utf8') for n))
    from unnest(array[1, 2, 2047, 2048, 2049, 16383, 16384, 16385, 1048576, 1064960, 1064961]) n;
  select lo_create(3000000001), lo_put(lo_create(3000000002), 5000000, 'far');
  select lo_from_bytea(20000 + n, md5(n::text)::bytea) from generate_series(1, 2300) n;
  alter large object 2048 owner to "O'Neill";
  alter large object 20003 owner to "O'Neill";
  alter large object 20001 owner to pg_monitor)";

class ReadersOfObjects : public ReadersAmongOthers {
 protected:
  ReadersOfObjects() {
    server.sql("shop", "drop role if exists \"O'Neill\"");
    server.sql("shop", kObjects);
  }
  ~ReadersOfObjects() override {
    server.sql("postgres", "drop database shop");
    server.sql("postgres", "drop role \"O'Neill\"");
  }
};

TEST_F(ReadersOfObjects, MakeTheArchiveThatPgDumpMakes) {
  TestDump test(parameters(server, "shop"));
  test.begin();
  EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
  EXPECT_EQ(proofs(expected), proofs_by_name(test.header, test.proof));
}

TEST_F(ReadersOfObjects, SeeTheirSnapshotWhateverOthersDo) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  const std::string expected = peer(server, test);
  server.sql("shop", "select lo_unlink(20005), lo_put(20006, 0, 'other'), lo_create(5)");
  server.sql("shop", "alter large object 20007 owner to pg_monitor");
  server.sql("shop", "vacuum pg_largeobject, pg_largeobject_metadata");
  EXPECT_EQ(difference(expected, test.finish()), "");
}

TEST_F(ReadersOfObjects, LeaveToPgDumpWhatHasMoreThanContents) {
  for (const char* more :
       {"comment on large object 2049 is 'x'", "grant select on large object 20001 to public"}) {
    SCOPED_TRACE(more);
    server.sql("shop", more);
    TestDump test(parameters(server, "shop"));
    test.begin();
    EXPECT_TRUE(test.dump->objects.oids.empty());
    const std::string expected = peer(server, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
    server.sql("shop", "comment on large object 2049 is null");
  }
}

// A role that owns them, and nothing else.
TEST_F(ReadersOfObjects, NeedNoSuperuser) {
  server.sql("postgres", "alter role \"O'Neill\" login");
  server.sql("shop",
             "do $$ begin execute (select string_agg(format('alter large object %s owner to "
             "\"O''Neill\"', oid), ';') from pg_largeobject_metadata); end $$");
  server.sql("shop", "grant select on all tables in schema public to \"O'Neill\"");
  TestDump test(parameters(server, "shop", "O'Neill"));
  test.begin();
  EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
}

// VACUUM FULL, or REINDEX: whoever comes first is not waited for by one while another waits for us.
TEST_F(ReadersOfObjects, LetWhoHasThemToHimselfGoFirst) {
  for (const char* catalogue : {"pg_largeobject", "pg_largeobject_metadata"}) {
    SCOPED_TRACE(catalogue);
    Connection other = Connection::open(parameters(server, "shop"), {});
    other.query("begin");
    other.query(std::string("lock table ") + catalogue + " in access exclusive mode");
    TestDump test(parameters(server, "shop"));
    std::jthread commit([&](const std::stop_token& stop) {
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
      while (log_of(test).find("beginning again") == std::string::npos && !stop.stop_requested() &&
             std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      other.query("commit");
    });
    test.begin();
    EXPECT_THAT(log_of(test), HasSubstr("beginning again"));
    EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
    const std::string expected = peer(server, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

// Who has them for long costs the tables nothing.
TEST_F(ReadersOfObjects, AreDoneWithoutWhereSomebodyKeepsThemToHimself) {
  Connection other = Connection::open(parameters(server, "shop"), {});
  other.query("begin");
  other.query("lock table pg_largeobject in share mode");
  TestDump test(parameters(server, "shop"));
  test.begin();
  EXPECT_TRUE(test.dump->objects.oids.empty());
  EXPECT_THAT(read_by_us(test), Contains(R"("public"."a")"));
  other.query("commit");
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
}

TEST_F(ReadersOfObjects, HaveTheirLocksBeforeAnybodyElseQueues) {
  for (const char* change :
       {"reindex table pg_largeobject", "vacuum full pg_largeobject",
        "reindex table pg_largeobject_metadata", "vacuum full pg_largeobject_metadata"}) {
    SCOPED_TRACE(change);
    std::jthread changing;  // ends after the dump, whatever becomes of it
    TestDump test(parameters(server, "shop"), [](DumpPlan& plan) {
      slowly(plan);
      plan.stall_timeout = std::chrono::seconds(20);
    });
    test.begin();
    const std::string expected = peer(server, test);
    changing = later(server, "shop", change);
    await_waiter(server);
    EXPECT_THAT(waiters(*test.leader, test.dump->holders), ::testing::SizeIs(1));
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

TEST_F(ReadersOfObjects, FewOfThemArePgDumps) {
  TestDump test(parameters(server, "shop"), [](DumpPlan& plan) {
    plan.objects_from = 2314;
    plan.bytes_in_all = std::uint64_t{1} << 30;
  });
  test.begin();
  EXPECT_TRUE(test.dump->objects.oids.empty());
}

TEST_F(ReadersOfObjects, FailWithASessionThatIsLost) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  ASSERT_EQ(server.kill_backends("pgstow reader"), 3);
  EXPECT_THROW(static_cast<void>(test.finish()), Transient);
}

TEST_F(ReadersAmongOthers, TellWhoKeepsATableToHimself) {
  Connection other = Connection::open(parameters(server, "shop"), {});
  other.query("begin");
  other.query("lock table public.a in access exclusive mode");
  TestDump test(parameters(server, "shop"),
                [](DumpPlan& plan) { plan.lock_timeout = std::chrono::milliseconds(50); });
  try {
    test.begin();
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("LOCK TABLE"));
    EXPECT_THAT(e.what(),
                HasSubstr("a is locked by server process " + std::to_string(other.backend_pid())));
    EXPECT_THAT(e.hint(), HasSubstr("BACKUP_LOCK_TIMEOUT"));
  }
}

TEST_F(ReadersAmongOthers, FailWithASessionThatIsLost) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  ASSERT_EQ(server.kill_backends("pgstow reader"), 3);
  EXPECT_THROW(static_cast<void>(test.finish()), Transient);
}

// Their snapshot and locks are their own.
TEST_F(ReadersAmongOthers, GoOnWithoutTheLeader) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  const std::string expected = peer(server, test);
  ASSERT_EQ(server.kill_backends("pgstow"), 1);
  EXPECT_EQ(difference(expected, test.archive()), "");
}

TEST_F(ReadersAmongOthers, AreAsManyAsTheServerLets) {
  server.sql("postgres", "create role limited login superuser");
  server.sql("postgres", "alter role limited nosuperuser; grant pg_read_all_data to limited");
  for (const int limit : {2, 3, 4}) {
    SCOPED_TRACE(limit);
    server.sql("postgres", "alter role limited connection limit " + std::to_string(limit));
    TestDump test(parameters(server, "shop", "limited"));
    test.begin();
    EXPECT_EQ(test.dump->holders.size(), static_cast<std::size_t>(limit - 1));
    const std::string expected = peer(server, test);
    EXPECT_EQ(difference(expected, test.finish()), "");
  }
}

TEST_F(ReadersAmongOthers, AreStoppedInTheMiddle) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  std::jthread stopper([&] { test.stopper.request_stop(); });
  EXPECT_THROW(
      {
        for (;;) static_cast<void>(test.finish());
      },
      Cancelled);
  test.dump.reset();
  test.leader.reset();
  while (server.value("postgres",
                      "select count(*) from pg_stat_activity where application_name in "
                      "('pgstow', 'pgstow reader', 'pg_dump')") != "0") {
  }
}

// A statement that waits for us in its middle keeps a page pinned, which VACUUM and, on a standby,
// recovery wait for. A slice is several pieces, each more than sockets hold.
TEST_F(ReadersAmongOthers, KeepNoPageWhileTheirRowsAreNotTakenYet) {
  server.sql("shop",
             "create table wide as select repeat(md5(i::text), 30) as t "
             "from generate_series(1, 35000) i");
  server.sql("shop", "create index on wide (left(t, 9))");
  server.sql("shop", "vacuum analyze wide");
  TestDump test(parameters(server, "shop"), [](DumpPlan& plan) {
    plan.slice_bytes = 4 << 20;
    plan.buffer_bytes = 24 << 20;
  });
  test.begin();
  // Between two slices they are idle, too, for a moment: it has to last, with nothing new begun.
  int lasted = 0;
  std::string before;
  for (int left = 500; left > 0 && lasted < 25; --left) {
    const std::string now = server.value(
        "postgres",
        "select count(*) filter (where state = 'idle in transaction') || ' ' || count(*) || ' ' || "
        "max(query_start) from pg_stat_activity where application_name = 'pgstow reader' and "
        "(query "
        "like 'COPY%' or query like 'rollback to %')");
    lasted = now == before && now.starts_with("3 3 ") ? lasted + 1 : 0;
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_EQ(lasted, 25) << before;
  EXPECT_EQ(server.value("shop",
                         "select count(*) from pg_locks l join pg_stat_activity a using (pid) join "
                         "pg_class c on c.oid = l.relation where c.relkind = 'i' and "
                         "a.application_name = 'pgstow reader' and c.relname like 'wide%'"),
            "0");
  server.sql("shop", "vacuum (freeze, disable_page_skipping) wide");
  const std::string expected = peer(server, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
}

TEST_F(ReadersAmongOthers, AreWarnedOf) {
  TestDump test(parameters(server, "shop"), slowly);
  test.begin();
  std::jthread truncating = later(server, "shop", "truncate a");
  await_waiter(server);
  while (log_of(test).find("waits for a lock") == std::string::npos) std::this_thread::yield();
  EXPECT_THAT(log_of(test), HasSubstr("wants AccessExclusiveLock of a"));
  static_cast<void>(test.finish());
}

TEST_F(ReadersAmongOthers, AreGivenWayWhereThatIsWanted) {
  TestDump test(parameters(server, "shop"), [](DumpPlan& plan) {
    slowly(plan);
    plan.give_way_after = std::chrono::seconds(1);
  });
  test.begin();
  std::jthread truncating = later(server, "shop", "truncate a");
  await_waiter(server);
  while (!test.dump->watch->gave_way()) std::this_thread::yield();
  EXPECT_THROW(static_cast<void>(test.finish()), Cancelled);
  EXPECT_THROW(check_gave_way(*test.dump), Transient);
  test.dump.reset();
  test.leader.reset();
  truncating.join();
  EXPECT_EQ(server.value("shop", "select count(*) from a"), "0");
}

TEST(ReadersOfAStandby, ReadWhatItHas) {
  test::TestServer primary;
  primary.create_database("shop");
  primary.sql("shop", std::string(kTables) + "; create unlogged table u as select 1 as i");
  primary.sql("shop", kObjects);
  primary.sql("shop", "vacuum analyze");
  test::TestServer standby = test::TestServer::standby_of(primary);
  standby.catch_up(primary);
  TestDump test(parameters(standby, "shop"));
  test.begin();
  const std::string expected = peer(standby, test);
  EXPECT_EQ(difference(expected, test.finish()), "");
  EXPECT_THAT(read_by_us(test), ::testing::SizeIs(3));
  EXPECT_EQ(test.dump->objects.oids.size(), 2313U);
}

}  // namespace
}  // namespace pgstow::pg
