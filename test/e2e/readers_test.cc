// A database with tables that are large enough, and large objects that are enough, to be read by
// many sessions.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

#include "e2e/faults.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class BigTables : public testing::Test {
 protected:
  BigTables() {
    server.create_database("shop");
    server.sql("shop", kShop);
    server.sql("shop",
               "create table entry(id int primary key, code text, body text);"
               "insert into entry select i, md5(i::text), repeat(md5((i * 3)::text), 5) "
               "from generate_series(1, 90000) i;"
               "select count(lo_from_bytea(0, convert_to(repeat(md5(i::text), i % 600), 'utf8'))) "
               "from generate_series(1, 900) i");
    server.sql("shop", "vacuum analyze");
    pgstow.with("BACKUP_JOBS=3").with("BACKUP_LOG_LEVEL=debug");
  }

  std::string restored_text(const std::string& database) const {
    return first_difference(dump_text(server, "shop"), dump_text(server, database));
  }
  Outcome pg_restore(std::vector<std::string> arguments, const std::string& input = {}) const {
    std::vector<std::string> argv{postgres_programs() / "pg_restore", "--exit-on-error"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run({.argv = argv, .input = input});
  }
  // Bytes of the archive that is being made.
  std::uintmax_t written() const {
    std::error_code gone;
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(pgstow.backups(), gone)) {
      const bool part = entry.path().filename().string().starts_with(".backup_");
      if (part) bytes = std::max(bytes, fs::file_size(entry.path(), gone));
    }
    return gone ? 0 : bytes;
  }
  std::string sessions() const {
    return server.value("postgres", "select count(*) from pg_stat_activity where datname = 'shop'");
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(BigTables, AreInOneArchiveThatEveryToolRestores) {
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, ContainsRegex("readers sessions=3 tables=2 .*large_objects=900"));
  ASSERT_TRUE(pgstow.run({"verify"}).ok());
  ASSERT_TRUE(pgstow.run({"restore", "--yes", "--into", "ours"}).ok());
  EXPECT_EQ(restored_text("ours"), "");

  const fs::path file = pgstow.folder() / "bare.dump";
  const std::string bare =
      run_ok({.argv = {"gunzip", "-c", pgstow.backups() / pgstow.archives().at(0)}});
  write_file(file, bare);
  for (const bool pipe : {true, false}) {
    const std::string database = pipe ? "pipe" : "jobs";
    server.create_database(database);
    const Outcome outcome = pipe ? pg_restore({"-d", server.url(database)}, bare)
                                 : pg_restore({"-j2", "-d", server.url(database), file});
    ASSERT_TRUE(outcome.ok()) << outcome.describe();
    EXPECT_EQ(restored_text(database), "");
  }
  EXPECT_THAT(pg_restore({"-l"}, bare).out, HasSubstr("TABLE DATA public entry postgres"));
  for (const std::vector<std::string>& choice :
       {std::vector<std::string>{"-t", "entry"}, {"-n", "public"}}) {
    const std::string database = "chosen" + choice.at(1);
    server.create_database(database);
    const Outcome outcome =
        pg_restore({choice.at(0), choice.at(1), "-d", server.url(database)}, bare);
    ASSERT_TRUE(outcome.ok()) << outcome.describe();
    EXPECT_EQ(server.value(database, "select count(*) from entry"), "90000");
  }
}

// Two jobs, as on a machine of two cores, share a table.
TEST_F(BigTables, AreReadByAsManySessionsAsJobs) {
  for (const char* jobs : {"BACKUP_JOBS=2", "BACKUP_JOBS=1"}) {
    SCOPED_TRACE(jobs);
    const Outcome backup = pgstow.with(jobs).run({"backup"});
    ASSERT_TRUE(backup.ok()) << backup.describe();
    const bool readers = std::string_view(jobs).ends_with("2");
    EXPECT_EQ(backup.err.find("readers sessions=2 tables=2 slices=7 ") != std::string::npos,
              readers)
        << backup.err;
    EXPECT_EQ(backup.err.find("readers") != std::string::npos, readers) << backup.err;
    ASSERT_TRUE(pgstow.run({"restore", "--yes", "--into", "whole"}).ok());
    EXPECT_EQ(restored_text("whole"), "");
    server.sql("postgres", "drop database whole");
  }
}

TEST_F(BigTables, AStopInTheMiddleLeavesNothing) {
  const FakeTool dump("pg_dump", R"(pause; exec "$REAL" "$@")");
  Program program = pgstow.program({"backup"});
  program.env.push_back(dump.setting());
  Running backup(program);
  dump.await_pause(backup);
  EXPECT_EQ(sessions(), "4");  // the leader and three readers
  ::kill(backup.pid(), SIGTERM);
  EXPECT_EQ(backup.wait().exit_code, 128 + SIGTERM);
  EXPECT_THAT(pgstow.archives(), IsEmpty());
  EXPECT_THAT(parts(pgstow), IsEmpty());
  await("the sessions' end", [&] { return sessions() == "0"; });
}

// At moments told by how much of the archive is written; there are more rows than are held ahead,
// and packing is made slow, or it would be done before the server is.
TEST_F(BigTables, AServerThatEndsInTheMiddleLeavesNothingThatIsListed) {
  server.sql("shop",
             "insert into entry select i, md5(i::text), repeat(md5((i * 3)::text), 5) "
             "from generate_series(100001, 1100000) i");
  pgstow.with("BACKUP_JOBS=2");
  const Unharmed unharmed(server, "shop", pgstow);
  const std::uintmax_t whole = fs::file_size(pgstow.backups() / pgstow.archives().at(0));
  Program program = pgstow.program({"backup"});
  program.env.emplace_back("BACKUP_COMPRESSION=gzip:12");
  for (const std::uintmax_t percent : {1U, 40U}) {
    SCOPED_TRACE(percent);
    Running backup(program);
    await("the archive to grow", [&] { return written() >= whole * percent / 100; });
    server.stop(TestServer::Stop::kImmediate);
    const Outcome outcome = backup.wait();
    server.start();
    EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
    EXPECT_THAT(outcome.err, HasSubstr("hint: "));
    EXPECT_THAT(pgstow.archives(), SizeIs(1));
    EXPECT_THAT(parts(pgstow), IsEmpty());
  }
  EXPECT_EQ(unharmed.after_next_run(), "");
}

TEST_F(BigTables, AreReadByPgDumpWhereTheServerHasNoSessionsLeft) {
  server.sql("postgres", "create role limited login");
  server.sql("postgres", "grant pg_read_all_data to limited");
  server.sql("postgres", "alter role limited connection limit 2");
  server.sql("shop",
             "select count(lo_unlink(oid)) from pg_largeobject_metadata");  // not his to read
  Program program = pgstow.program({"backup"});
  program.env.insert(program.env.begin(), "PGUSER=limited");
  const Outcome backup = run(program);
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("fewer readers than asked for"));
  EXPECT_THAT(backup.err, Not(HasSubstr("readers sessions=")));
  ASSERT_TRUE(pgstow.run({"restore", "--yes", "--into", "ours"}).ok());
  EXPECT_EQ(restored_text("ours"), "");
}

// Each range is another text to the server: the owner's statements would be dropped for them.
TEST(StatementStatistics, AreNotOfReaders) {
  const TestServer server({.settings = {"shared_preload_libraries = 'pg_stat_statements'"}});
  server.create_database("shop");
  server.sql("shop",
             "create extension pg_stat_statements; create table entry as select i, md5(i::text) "
             "from generate_series(1, 200000) i; analyze entry");
  Pgstow pgstow(server, "shop");
  pgstow.with("BACKUP_JOBS=2").with("BACKUP_LOG_LEVEL=debug");
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("readers sessions=2 tables=1 slices=4"));
  const auto count = [&](const std::string& like) {
    return server.value("shop",
                        "select count(*) from pg_stat_statements where query like '" + like + "'");
  };
  EXPECT_EQ(count("COPY (SELECT i%"), "0");
  EXPECT_EQ(count("create table entry%"), "1");
}

// A lock table of some 640 holders, of which pg_dump needs one a table: readers take as many
// tables as leave room for it, or none. With all of the 400 the server would run out of it.
TEST(SmallLockTable, IsNotFilledByReaders) {
  const TestServer server({.settings = {"max_connections = 20", "max_locks_per_transaction = 16"}});
  Pgstow pgstow(server, "shop");
  pgstow.with("BACKUP_JOBS=3").with("BACKUP_LOG_LEVEL=debug");
  server.create_database("shop");
  const auto make_tables = [&](int from, int to) {
    std::string sql;
    for (int i = from; i <= to; ++i) {
      sql += fmt::format(
          "create table t{} as select repeat('x', 1000) a from generate_series(1, 300);", i);
      if (i % 50 != 0) continue;  // what one transaction makes is locked until its end
      server.sql("shop", sql);
      sql.clear();
    }
    server.sql("shop", "vacuum analyze");  // their sizes are told by the catalogue
  };
  make_tables(1, 150);
  const Outcome some = pgstow.run({"backup"});
  ASSERT_TRUE(some.ok()) << some.describe();
  EXPECT_THAT(some.err, ContainsRegex("readers sessions=3 tables=[0-9]{1,2} "));

  make_tables(151, 400);
  const Outcome none = pgstow.run({"backup"});
  ASSERT_TRUE(none.ok()) << none.describe();
  EXPECT_THAT(none.err, Not(HasSubstr("readers sessions=")));
  EXPECT_TRUE(pgstow.run({"verify", "--all"}).ok());
}

}  // namespace
}  // namespace pgstow::test
