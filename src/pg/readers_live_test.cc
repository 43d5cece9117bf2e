// Dumps by readers against what pg_dump alone makes of the same snapshot, on a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
#include "pg/testing_readers.h"

namespace pgstow::pg {
namespace {

using namespace testing_dump;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

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
