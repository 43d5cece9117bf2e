// Against a real server: databases made, found, swapped and compared.
#include "pg/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "harness/postgres.h"
#include "pg/archive_proof.h"
#include "pg/compare.h"
#include "pg/dump.h"
#include "pg/needs.h"
#include "pg/server_error.h"
#include "pg/tools.h"

namespace pgstow::pg {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Time kTime = *parse_stamp("20261122_210528");

Parameters parameters(const test::TestServer& server, const std::string& database) {
  return {{"host", server.socket_dir()},
          {"port", std::to_string(server.port())},
          {"user", "postgres"},
          {"dbname", database}};
}

Connection connect(const test::TestServer& server, const std::string& database = "postgres") {
  return Connection::open(parameters(server, database), {});
}

TEST(DatabaseNames, FitPostgresAndStayApart) {
  EXPECT_EQ(restoring_name("shop", kTime), "shop__restoring_20261122_210528");
  EXPECT_EQ(before_name("shop", kTime), "shop__before_20261122_210528");
  const std::string long_a(63, 'a');
  const std::string long_b = std::string(62, 'a') + "b";
  for (const auto& name : {restoring_name(long_a, kTime), before_name(long_b, kTime)}) {
    EXPECT_LE(name.size(), 63U);
  }
  EXPECT_NE(before_name(long_a, kTime), before_name(long_b, kTime));
  // Cut only between characters: "ä" is two bytes.
  std::string umlauts;
  for (int i = 0; i < 31; ++i) umlauts += "ä";
  const std::string cut = before_name("x" + umlauts, kTime);
  EXPECT_LE(cut.size(), 63U);
  EXPECT_EQ((cut.find('~') - 1) % 2, 0U) << cut;
}

class Databases : public testing::Test {
 protected:
  test::TestServer server;
  Connection maintenance = connect(server);
};

// A host that takes the connection and says nothing, as a dead one behind a firewall does.
class SilentHost {
 public:
  SilentHost() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* any = reinterpret_cast<sockaddr*>(&address_);
    if (::bind(socket_.get(), any, size) != 0 || ::listen(socket_.get(), 5) != 0 ||
        ::getsockname(socket_.get(), any, &size) != 0) {
      throw_errno("silent host");
    }
  }
  std::string port() const { return std::to_string(ntohs(address_.sin_port)); }

 private:
  Fd socket_;
  sockaddr_in address_{};
};

TEST_F(Databases, OfSeveralHostsASilentOneIsPassedBy) {
  const SilentHost silent;
  Parameters several = parameters(server, "postgres");
  several["connect_timeout"] = "1";
  several["host"] = "127.0.0.1,127.0.0.1," + several["host"];
  several["port"] = silent.port() + "," + silent.port() + "," + several["port"];
  EXPECT_EQ(Connection::open(several, {}).query("select 1").text(0, 0), "1");
  several["host"] = "127.0.0.1";
  several["port"] = silent.port();
  EXPECT_THROW(Connection::open(several, {}), Transient);
}

TEST_F(Databases, WithASubscriptionAreNotDroppedButSaidToHaveIt) {
  maintenance.query("create database sub");
  connect(server, "sub")
      .query("create subscription s connection 'dbname=none' publication p with (connect = false)");
  try {
    drop_database(maintenance, "sub");
    FAIL() << "it was dropped";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("subscription \"s\" is in it"));
    EXPECT_THAT(e.hint(), HasSubstr("SET (slot_name = NONE)"));
  }
  EXPECT_TRUE(database_exists(maintenance, "sub"));
}

TEST_F(Databases, WhatTheArchiveNeedsAndTheServerLacks) {
  ArchiveHeader archive;
  TocEntry table;
  table.desc = "TABLE";
  table.owner = "boss";
  table.tablespace = "fast";
  TocEntry acl;
  acl.desc = "ACL";
  acl.owner = "boss";
  acl.defn = "GRANT SELECT ON TABLE public.t TO reader;\nGRANT ALL ON TABLE public.t TO PUBLIC;\n";
  TocEntry extension;
  extension.desc = "EXTENSION";
  extension.tag = "nothere";
  archive.toc = {table, acl, extension};
  EXPECT_THAT(
      missing_on_server(maintenance, archive, {}),
      ElementsAre("role boss: CREATE ROLE \"boss\";", "role reader: CREATE ROLE \"reader\";",
                  "tablespace fast: CREATE TABLESPACE \"fast\" LOCATION '...';",
                  "extension nothere: install its package on the server"));
  EXPECT_THAT(
      missing_on_server(maintenance, archive, {.no_owner = true, .no_privileges = true}).size(),
      2U);
}

TEST(Obstacles, ReadersOfTheWriteAheadLogAreNamed) {
  const test::TestServer server({.settings = {"wal_level = logical"}});
  server.create_database("fed");
  server.sql("fed", "select pg_create_logical_replication_slot('feed', 'test_decoding')");
  Connection maintenance = connect(server);
  EXPECT_THAT(obstacles_to_replacing(maintenance, "fed", true), IsEmpty());
  Connection client = connect(server, "fed");
  EXPECT_THAT(obstacles_to_replacing(maintenance, "fed", true), IsEmpty());
  const test::Running reader(
      {.argv = {test::postgres_programs() / "pg_recvlogical", "-d", server.url("fed"),
                "--slot=feed", "--start", "-f", "/dev/null"}});
  while (server.value("fed", "select active from pg_replication_slots") != "t") {
    ASSERT_FALSE(reader.ended()) << reader.err();
  }
  const auto walsender = AllOf(HasSubstr("walsender"), HasSubstr("pg_recvlogical"));
  EXPECT_THAT(obstacles_to_replacing(maintenance, "fed", false), ElementsAre(walsender));
  EXPECT_THAT(obstacles_to_replacing(maintenance, "fed", true),
              ElementsAre(walsender, HasSubstr("replication slot feed")));
}

TEST_F(Databases, KeptAndHalfMadeAreFoundByExactName) {
  for (const std::string name :
       {"app", "app__before_20260101_000000", "app__before_20260102_000000", "app__before_notes",
        "app_staging__before_20260101_000000", "app__restoring_20260101_000000"}) {
    server.create_database(name);
  }
  EXPECT_THAT(kept_databases(maintenance, "app"),
              ElementsAre("app__before_20260101_000000", "app__before_20260102_000000"));
  EXPECT_THAT(half_made_databases(maintenance, "app"),
              ElementsAre("app__restoring_20260101_000000"));
  EXPECT_THAT(kept_databases(maintenance, "ap"), IsEmpty());
}

TEST_F(Databases, RenamesTogetherOrNotAtAll) {
  server.create_database("a");
  server.create_database("b");
  EXPECT_THROW(rename_databases(maintenance, {{"a", "kept"}, {"missing", "a"}}, {}), ServerError);
  EXPECT_TRUE(database_exists(maintenance, "a"));
  EXPECT_FALSE(database_exists(maintenance, "kept"));
  rename_databases(maintenance, {{"a", "kept"}, {"b", "a"}}, {});
  EXPECT_TRUE(database_exists(maintenance, "kept"));
  EXPECT_FALSE(database_exists(maintenance, "b"));
}

TEST_F(Databases, RenameEndsSessionsThatKeepComingBack) {
  server.create_database("busy");
  std::jthread client([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      try {
        Connection session = Connection::open(parameters(server, "busy"), stop);
        session.query("select pg_sleep(30)");
      } catch (const Error&) {
        continue;  // ended by the rename, or the name is gone: try again, as an application would
      }
    }
  });
  for (int round = 0; round < 5; ++round) {
    rename_databases(maintenance, {{"busy", "moved"}}, {});
    rename_databases(maintenance, {{"moved", "busy"}}, {});
  }
  client.request_stop();
  EXPECT_TRUE(database_exists(maintenance, "busy"));
}

TEST_F(Databases, DropEndsSessionsAndTemplatesToo) {
  server.create_database("gone");
  server.sql("postgres", "alter database gone is_template true");
  Connection session = connect(server, "gone");
  drop_database(maintenance, "gone");
  EXPECT_FALSE(database_exists(maintenance, "gone"));
  EXPECT_THROW(session.query("select 1"), Error);
  drop_database(maintenance, "gone");  // is no error
}

TEST_F(Databases, OneRestoreAtATime) {
  lock_restore(maintenance, "shop");
  Connection other = connect(server);
  EXPECT_THROW(lock_restore(other, "shop"), Locked);
  lock_restore(other, "shop2");
  Connection elsewhere = connect(server, "template1");  // another maintenance database
  EXPECT_THROW(lock_restore(elsewhere, "shop"), Locked);
  EXPECT_THROW(lock_restore(elsewhere, "shop2"), Locked);
  maintenance = connect(server);  // its session ends, and with it the lock
  while (server.value("postgres", "select count(*) from pg_locks where locktype = 'advisory'") !=
         "1") {
  }
  lock_restore(elsewhere, "shop");
}

// An archive of a database, read as verify reads it.
struct Dumped {
  ArchiveHeader archive;
  ArchiveProof proof;
  SessionSettings settings;
};

Dumped dump(const test::TestServer& server, const std::string& database) {
  Connection session = connect(server, database);
  const SessionSettings settings = session_settings(session);
  session.query("begin isolation level repeatable read, read only");
  const Snapshot snapshot = export_snapshot(session);
  DumpSource source({.pg_dump = find_tool("pg_dump", session.server_version() / 10000, {}, {}),
                     .server = session.parameters_for_children(),
                     .snapshot = snapshot.id,
                     .encoding = "UTF8",
                     .lock_timeout = std::chrono::seconds(10),
                     .wait = {}});
  ProofTaker taker;
  ArchiveParser parser(taker);
  std::vector<char> buffer(1 << 16);
  while (const std::size_t n = source.read(buffer)) parser.write({buffer.data(), n});
  parser.finish();
  return {.archive = taker.header(), .proof = taker.finish(), .settings = settings};
}

constexpr const char* kShop =
    "create table t(id serial, v text, at timestamptz default now(), b bytea default '\\x00ff',"
    "long text default repeat('x', 400));"
    "insert into t(v) select 'row ' || i from generate_series(1, 100) i;"
    "create table none();"
    "select lo_from_bytea(4711, convert_to(repeat('large ', 40000), 'UTF8'));"
    "select lo_from_bytea(4712, '')";

// With slices so small that every table is read in several, by two sessions.
Comparison comparison(const test::TestServer& server, const std::string& database,
                      const Dumped& dumped, const SessionSettings& settings) {
  return compare(
      [&](std::stop_token stop) {
        return Connection::open(parameters(server, database), std::move(stop));
      },
      dumped.archive, dumped.proof, {.settings = settings, .sessions = 2, .slice_bytes = 1000}, {},
      [](const auto&) {});
}

class Lies : public Databases {
 protected:
  Lies() {
    server.create_database("shop");
    server.sql("shop", kShop);
    dumped = dump(server, "shop");
  }

  std::vector<std::string> differences() {
    return comparison(server, "shop", dumped, dumped.settings).differences;
  }

  Dumped dumped;
};

TEST_F(Lies, TheDatabaseItselfIsEqual) {
  const Comparison c = comparison(server, "shop", dumped, dumped.settings);
  EXPECT_THAT(c.differences, IsEmpty());
  EXPECT_EQ(c.tables, 2U);  // large objects are compared, but are no table
  EXPECT_EQ(c.rows, 100U);
  EXPECT_TRUE(c.digests);
  // The role's or database's own settings do not change what is compared.
  server.sql("postgres", "alter database shop set timezone = 'Asia/Tokyo'");
  server.sql("postgres", "alter database shop set bytea_output = 'escape'");
  EXPECT_THAT(differences(), IsEmpty());
}

// As the tables of PostGIS: pg_dump takes only the rows that the extension calls the user's. What
// pg_extension_config_dump() would note is noted by hand, for an extension that every server has.
TEST_F(Databases, AnExtensionsOwnRowsAreNotCompared) {
  server.create_database("zoned");
  server.sql("zoned",
             "create table zones(name text, builtin boolean, w int default 1);"
             "insert into zones values ('ours', true), ('mine', false), ('also mine', false);"
             "create table plain(i int); insert into plain values (1);"
             "alter extension plpgsql add table zones;"
             "update pg_extension set extconfig = array['zones'::regclass::oid], "
             "extcondition = array['where not builtin'] where extname = 'plpgsql'");
  const Dumped dumped = dump(server, "zoned");
  for (const SessionSettings& settings : {dumped.settings, SessionSettings{}}) {
    const Comparison c = comparison(server, "zoned", dumped, settings);
    EXPECT_THAT(c.differences, IsEmpty());
    EXPECT_EQ(c.tables, 2U);
    EXPECT_EQ(c.rows, 3U);
  }
  server.sql("zoned", "update zones set name = 'yours' where name = 'mine'");
  EXPECT_THAT(comparison(server, "zoned", dumped, dumped.settings).differences,
              Contains(HasSubstr("public.zones")));
}

TEST_F(Lies, EachLieIsFound) {
  const std::vector<std::pair<std::string, std::string>> lies{
      {"delete from t where id = 50", "99 rows instead of 100"},
      {"insert into t(id, v) values (50, 'row 50')", "contents differ"},
      {"insert into t(id, v) values (1000, 'more')", "101 rows instead of 100"},
      {"delete from t where id = 1000; update t set v = 'ROW 7' where id = 7", "contents differ"},
      {"update t set v = 'row 7' where id = 7; select setval('t_id_seq', 1)", "sequence"},
      {"select lo_put(4711, 70000, 'x')", "large objects"},
      {"select lo_unlink(4712)", "large objects"},
  };
  for (const auto& [sql, expected] : lies) {
    server.sql("shop", sql);
    EXPECT_THAT(differences(), Contains(HasSubstr(expected))) << sql;
  }
}

TEST_F(Lies, RightsThatAreMissingAreAllNamed) {
  server.sql("shop",
             "create role reader login; create table secret(x int); create sequence hidden;"
             "create table guarded(x int); grant select on guarded to reader;"
             "alter table guarded enable row level security; create schema closed");
  Parameters p = parameters(server, "shop");
  p["user"] = "reader";
  Connection session = Connection::open(p, {});
  const std::vector<std::string> missing = missing_rights(session);
  EXPECT_THAT(missing, Contains(HasSubstr("table public.secret: no SELECT")));
  EXPECT_THAT(missing, Contains(HasSubstr("table public.t: no SELECT")));
  EXPECT_THAT(missing, Contains(HasSubstr("sequence public.hidden: no SELECT")));
  EXPECT_THAT(missing, Contains(HasSubstr("table public.guarded: row-level security")));
  EXPECT_THAT(missing, Contains(HasSubstr("large object 4711: no SELECT")));
  Connection owner = connect(server, "shop");
  EXPECT_THAT(missing_rights(owner), IsEmpty());
}

TEST(Tools, TheRightOneOrAClearWord) {
  const Tool tool = find_tool("pg_dump", 15, {}, {});
  EXPECT_EQ(tool.major, 15);
  EXPECT_EQ(tool.path.filename(), "pg_dump");
  try {
    static_cast<void>(find_tool("pg_dump", 99, {}, {}));
    FAIL() << "found";
  } catch (const NotFound& e) {
    EXPECT_THAT(e.what(), HasSubstr("no pg_dump for PostgreSQL 99"));
    EXPECT_THAT(e.hint(), HasSubstr("postgresql-client-99"));
  }
  EXPECT_THROW(static_cast<void>(find_tool("pg_dump", 15, "/nowhere", {})), NotFound);
}

TEST_F(Databases, AStopEndsAStatement) {
  std::stop_source stop;
  Connection session = Connection::open(parameters(server, "postgres"), stop.get_token());
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop.request_stop();
  });
  EXPECT_THROW(session.query("select pg_sleep(600)"), Cancelled);
}

}  // namespace
}  // namespace pgstow::pg
