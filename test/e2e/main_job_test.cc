// The main job: back up, list, verify, restore, undo, on a rich schema and in the guide's
// scenarios.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "backup/manifest.h"
#include "base/json.h"
#include "e2e/pgstow.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kSmall =
    "create table account(id int primary key, owner text, balance numeric);"
    "insert into account select i, 'owner ' || i, i * 1.25 from generate_series(1, 1000) i;"
    "create table note(id serial primary key, account int references account, body text);"
    "insert into note(account, body) select 1 + i % 1000, repeat('note ', i % 7) "
    "from generate_series(1, 3000) i";

// The databases there are, but the system's own.
std::vector<std::string> databases(const TestServer& server) {
  std::vector<std::string> names;
  for (const Row& row : server.sql("postgres",
                                   "select datname from pg_database where not "
                                   "datistemplate and datname <> 'postgres' order by 1")) {
    names.push_back(row.at(0));
  }
  return names;
}

// Rows and digest of each table. A row of mood's partitions may lie in another one after a restore
// (the hash of an enum), so only their sum is told; and of inheritance children, whose columns a
// restore puts in another order, only the number of rows.
std::map<std::string, std::string> proofs(const Manifest& manifest) {
  std::map<std::string, pg::Proof> sums;
  for (const TableProof& table : manifest.tables) {
    const bool mood = table.schema == "parts" && table.name.starts_with("mood_");
    pg::Proof proof = table.proof;
    const bool inherits = table.name.starts_with("child_") || table.name == "grandchild";
    if (table.schema == "shapes" && inherits) {
      proof = {.rows = proof.rows, .bytes = 0, .digest = {}};
    }
    sums[mood ? "parts.by_mood" : table.schema + "." + table.name] += proof;
  }
  std::map<std::string, std::string> lines;
  for (const auto& [name, proof] : sums) {
    lines[name] = std::to_string(proof.rows) + " " + pg::to_string(proof.digest);
  }
  return lines;
}

class MainJob : public testing::Test {
 protected:
  MainJob() {
    server.create_database("shop");
    server.sql("shop", kSmall);
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(MainJob, BackupIsListedVerifiedAndRestored) {
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("Starting database backup..."));
  EXPECT_THAT(backup.err, HasSubstr("Backup completed successfully"));
  ASSERT_THAT(pgstow.archives(), SizeIs(1));
  EXPECT_THAT(pgstow.archives()[0], ContainsRegex("^backup_[0-9]{8}_[0-9]{6}\\.dump\\.gz$"));

  const Outcome verify = pgstow.run({"verify"});
  EXPECT_TRUE(verify.ok()) << verify.describe();
  EXPECT_THAT(verify.out, HasSubstr("4,000 rows, equal to its manifest"));
  for (const char* command : {"list", "backup-list"}) {
    const Outcome list = pgstow.run({command});
    EXPECT_TRUE(list.ok()) << list.describe();
    EXPECT_THAT(list.out, HasSubstr("4,000  shop"));
    EXPECT_THAT(list.out, HasSubstr("verified"));
  }

  const std::string before = dump_text(server, "shop");
  server.sql("shop", "drop table note; update account set balance = 0");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_THAT(restore.out, HasSubstr("every row equal to the backup's proof"));
  EXPECT_EQ(first_difference(before, dump_text(server, "shop")), "");
  EXPECT_NE(server.value("shop", "select count(*) from pg_stats where tablename = 'account'"), "0");
}

TEST_F(MainJob, UndoSwapsBackAndForth) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  server.sql("shop", "update account set owner = 'later'");
  const std::string later = dump_text(server, "shop");
  ASSERT_TRUE(pgstow.run({"restore", "--yes"}).ok());
  const std::string restored = dump_text(server, "shop");
  EXPECT_NE(restored, later);

  EXPECT_TRUE(pgstow.run({"undo", "--yes"}).ok());
  EXPECT_EQ(first_difference(later, dump_text(server, "shop")), "");
  EXPECT_TRUE(pgstow.run({"undo", "--yes"}).ok());
  EXPECT_EQ(first_difference(restored, dump_text(server, "shop")), "");

  EXPECT_THAT(databases(server), SizeIs(2));
  EXPECT_TRUE(pgstow.run({"undo", "--drop", "--yes"}).ok());
  EXPECT_THAT(databases(server), testing::ElementsAre("shop"));
  EXPECT_EQ(pgstow.run({"undo", "--yes"}).exit_code, 10);
}

TEST_F(MainJob, TheNextRestoreDropsTheKeptDatabase) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  ASSERT_TRUE(pgstow.run({"restore", "--yes"}).ok());
  const std::vector<std::string> first = databases(server);
  ASSERT_TRUE(pgstow.run({"restore", "--yes"}).ok());
  EXPECT_THAT(databases(server), SizeIs(2));
  EXPECT_NE(databases(server), first);
}

TEST_F(MainJob, RestoreAsksAndDoesNothingWithoutAYes) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const Outcome none = pgstow.run({"restore"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("--yes"));
  EXPECT_THAT(databases(server), testing::ElementsAre("shop"));
}

TEST_F(MainJob, RestoreIntoAnotherName) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const Outcome into = pgstow.run({"restore", "--yes", "--into", "copy"});
  ASSERT_TRUE(into.ok()) << into.describe();
  EXPECT_THAT(into.err, Not(HasSubstr("another database")));
  EXPECT_EQ(first_difference(dump_text(server, "shop"), dump_text(server, "copy")), "");
  const Outcome again = pgstow.run({"restore", "--yes", "--into", "copy"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
}

TEST_F(MainJob, RestoreInPlace) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const std::string before = dump_text(server, "shop");
  server.sql("shop", "truncate note");
  const Outcome restore = pgstow.run({"restore", "--yes", "--in-place"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(first_difference(before, dump_text(server, "shop")), "");
  EXPECT_THAT(databases(server), testing::ElementsAre("shop"));
}

TEST_F(MainJob, ThirdBackupInTheList) {
  for (int i = 0; i < 3; ++i) {
    server.sql("shop", "insert into account values (" + std::to_string(2000 + i) + ")");
    ASSERT_TRUE(pgstow.run({"backup"}).ok());
  }
  ASSERT_TRUE(pgstow.run({"restore", "3", "--yes"}).ok());
  EXPECT_EQ(server.value("shop", "select max(id) from account"), "2000");
  ASSERT_TRUE(pgstow.run({"restore", pgstow.archives()[1], "--yes"}).ok());
  EXPECT_EQ(server.value("shop", "select max(id) from account"), "2001");
  const Outcome none = pgstow.run({"restore", "backup_19990101_000000", "--yes"});
  EXPECT_EQ(none.exit_code, 10);
}

TEST_F(MainJob, StockToolsReadTheFile) {
  for (const std::string compression : {"gzip:1", "gzip:6", "zstd:3"}) {
    Pgstow other(server, "shop");
    other.with("BACKUP_COMPRESSION=" + compression);
    ASSERT_TRUE(other.run({"backup"}).ok());
    const bool zstd = compression.starts_with("zstd");
    const std::string file = other.backups() / other.files(zstd ? ".dump.zst" : ".dump.gz").at(0);
    server.create_database("stock");
    Program p;
    p.argv = {"bash", "-o", "pipefail", "-c",
              std::string(zstd ? "zstd -dc" : "gunzip -c") + " '" + file +
                  "' | pg_restore --exit-on-error -d stock"};
    p.env = server.environment();
    run_ok(p);
    EXPECT_EQ(first_difference(dump_text(server, "shop"), dump_text(server, "stock")), "");
    server.sql("postgres", "drop database stock");
  }
}

// A file of the system that pgstow replaces: pg_dump -Fc and gzip, no manifest.
TEST_F(MainJob, AStockBackupIsListedAndRestored) {
  std::filesystem::create_directories(pgstow.backups());
  Program p;
  p.argv = {"bash", "-o", "pipefail", "-c",
            "pg_dump -Fc shop | gzip > '" +
                (pgstow.backups() / "backup_20241026_143022.dump.gz").string() + "'"};
  p.env = server.environment();
  run_ok(p);
  const std::string before = dump_text(server, "shop");
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("no proof"));
  const Outcome verify = pgstow.run({"verify"});
  EXPECT_TRUE(verify.ok()) << verify.describe();
  EXPECT_THAT(verify.out, HasSubstr("4,000 rows; no manifest, so no proof"));
  server.sql("shop", "drop table note");
  const Outcome restore = pgstow.run({"restore", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_THAT(restore.out, HasSubstr("row counts equal"));
  EXPECT_EQ(first_difference(before, dump_text(server, "shop")), "");
}

TEST_F(MainJob, DoctorAndConfig) {
  const Outcome first = pgstow.run({"doctor"});
  EXPECT_EQ(first.exit_code, 3) << first.describe();  // no backups yet
  EXPECT_THAT(first.out, HasSubstr("No backups found"));
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const Outcome second = pgstow.run({"doctor"});
  EXPECT_TRUE(second.ok()) << second.describe();

  write_file(pgstow.folder() / ".env",
             "BACKUP_COMPRESSION=gzip:4\nPOSTGRES_PASSWORD=top-secret\nBACKUP_LOCAL_PAHT=x\n");
  const Outcome config = pgstow.run({"config", "--lock-timeout", "5m"});
  EXPECT_TRUE(config.ok()) << config.describe();
  EXPECT_THAT(config.out, ContainsRegex("BACKUP_COMPRESSION +gzip:4 +\\.env:1"));
  EXPECT_THAT(config.out, ContainsRegex("BACKUP_LOCK_TIMEOUT +5m +flag --lock-timeout"));
  EXPECT_THAT(config.out, ContainsRegex("BACKUP_LOCAL_PATH +/.* environment"));
  EXPECT_THAT(config.err, HasSubstr("did you mean BACKUP_LOCAL_PATH?"));
  EXPECT_THAT(config.out + config.err, testing::Not(HasSubstr("top-secret")));
}

TEST_F(MainJob, ManifestSaysWhatWasBackedUp) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const std::string archive = pgstow.archives().at(0);
  const std::string name = archive.substr(0, archive.find('.')) + ".json";
  const Manifest m = parse_manifest(read_file(pgstow.backups() / name), name);
  EXPECT_EQ(m.database, "shop");
  EXPECT_EQ(m.system_identifier,
            server.value("shop", "select system_identifier from pg_control_system()"));
  EXPECT_EQ(m.rows(), 4000U);
  EXPECT_EQ(m.stored.bytes, std::filesystem::file_size(pgstow.backups() / archive));
  const std::string sum = run_ok({.argv = {"sha256sum", pgstow.backups() / archive}});
  EXPECT_EQ(m.stored.sha256, sum.substr(0, 64));
  const std::string raw =
      run_ok({.argv = {"bash", "-c",
                       "gunzip -c '" + (pgstow.backups() / archive).string() + "' | sha256sum"}});
  EXPECT_EQ(m.raw.sha256, raw.substr(0, 64));
  EXPECT_FALSE(m.snapshot_lsn.empty());
}

// Partitions, inheritance, identity, large objects, RLS, matviews, extensions, odd names, ...
TEST(RichSchema, GoesRoundUnchanged) {
  const TestServer server;
  server.create_database("rich");
  server.script("rich", test_sql("rich.sql"));
  Pgstow pgstow(server, "rich");
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_TRUE(backup.ok()) << backup.describe();
  EXPECT_TRUE(pgstow.run({"verify"}).ok());
  const std::string text = dump_text(server, "rich");
  const std::string properties = database_properties(server, "rich");

  const Outcome restore = pgstow.run({"restore", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(first_difference(text, dump_text(server, "rich")), "");
  EXPECT_EQ(first_difference(properties, database_properties(server, "rich")), "");

  // And once more from the restored one: the proof of the second backup is the first's.
  const Outcome again = pgstow.run({"backup"});
  ASSERT_TRUE(again.ok()) << again.describe();
  std::vector<Manifest> manifests;
  for (const std::string& name : pgstow.files(".json")) {
    if (name.ends_with(".verified.json")) continue;
    manifests.push_back(parse_manifest(read_file(pgstow.backups() / name), name));
  }
  ASSERT_THAT(manifests, SizeIs(2));
  EXPECT_GT(manifests[0].tables.size(), 20U);
  const auto first = proofs(manifests[0]);
  const auto second = proofs(manifests[1]);
  EXPECT_EQ(first.size(), second.size());
  for (const auto& [name, proof] : first) {
    EXPECT_EQ(proof, second.contains(name) ? second.at(name) : "missing") << name;
  }
  EXPECT_EQ(manifests[0].large_objects, manifests[1].large_objects);
}

// Scenario 1 of the guide: the volume is gone, a new server comes up with an empty database.
TEST(Scenario, VolumeDeleted) {
  TempDir kept("pgstow-kept-");
  std::string text;
  {
    const TestServer old;
    old.create_database("shop");
    old.sql("shop", kSmall);
    text = dump_text(old, "shop");
    const Pgstow pgstow(old, "shop");
    ASSERT_TRUE(pgstow.run({"backup"}).ok());
    std::filesystem::copy(pgstow.backups(), kept / "backups");
  }
  const TestServer fresh({.other_identity = true});
  fresh.create_database("shop");
  Pgstow pgstow(fresh, "shop");
  std::filesystem::copy(kept / "backups", pgstow.backups());
  const Outcome restore = pgstow.run({"restore", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(first_difference(text, dump_text(fresh, "shop")), "");
}

// Scenario 2: the corrupted database was dropped and created again, empty.
TEST_F(MainJob, ScenarioCorruptedDatabase) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const std::string text = dump_text(server, "shop");
  server.sql("postgres", "drop database shop");
  server.create_database("shop");
  ASSERT_TRUE(pgstow.run({"restore", "--yes"}).ok());
  EXPECT_EQ(first_difference(text, dump_text(server, "shop")), "");
}

// Scenario 3: a new server without the database at all; only the folder was copied.
TEST(Scenario, Migration) {
  const TestServer old;
  old.sql("postgres", "create role app");
  old.sql("postgres", "create database shop owner app");
  old.sql("shop", kSmall);
  old.sql("shop", "alter table account owner to app");
  const Pgstow from(old, "shop");
  ASSERT_TRUE(from.run({"backup"}).ok());

  // Another zone must not change a row.
  const TestServer server({.timezone = "America/New_York", .other_identity = true});
  const Pgstow to(server, "shop");
  std::filesystem::copy(from.backups(), to.backups());
  const Outcome refused = to.run({"restore", "--yes"});
  EXPECT_EQ(refused.exit_code, 1) << refused.describe();
  EXPECT_THAT(refused.err, HasSubstr("CREATE ROLE \"app\""));
  server.sql("postgres", "create role app");
  const Outcome restore = to.run({"restore", "--yes"});
  ASSERT_TRUE(restore.ok()) << restore.describe();
  EXPECT_EQ(first_difference(dump_text(old, "shop"), dump_text(server, "shop")), "");
  EXPECT_EQ(server.value("postgres",
                         "select pg_get_userbyid(datdba) from pg_database where "
                         "datname = 'shop'"),
            "app");
}

// The database is in place, or was listed: what standard output does then is no failure.
TEST_F(MainJob, StandardOutputMayFail) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const auto through_bash = [&](const std::string& line, std::vector<std::string> arguments) {
    Program program = pgstow.program(std::move(arguments));
    program.argv.insert(program.argv.begin(), {"bash", "-c", line, "bash"});
    return run(program);
  };
  for (const char* command : {"restore", "undo"}) {
    const Outcome full = through_bash("exec \"$@\" >/dev/full", {command, "--yes"});
    EXPECT_TRUE(full.ok()) << full.describe();
    EXPECT_THAT(full.err, HasSubstr("could not be printed cause=\"standard output: No space left"));
  }
  const Outcome list = through_bash("exec \"$@\" >/dev/full", {"list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, testing::Not(HasSubstr("BACKUP_LOCAL_PATH")));
  const Outcome head =
      through_bash("(sleep 0.2; exec \"$@\") | true; exit ${PIPESTATUS[0]}", {"list"});
  EXPECT_TRUE(head.ok()) << head.describe();
  EXPECT_EQ(head.err, "");
}

TEST_F(MainJob, WithOnlyDamagedBackupsTheyAreNamed) {
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  std::filesystem::resize_file(pgstow.backups() / pgstow.archives().at(0), 1000);
  const Outcome restore = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(restore.exit_code, 4) << restore.describe();
  EXPECT_THAT(restore.err, HasSubstr(pgstow.archives().at(0)));
}

// Production and staging have a database of the same name, and keep their backups in one folder.
TEST_F(MainJob, TwoServersInOneFolder) {
  const TestServer staging({.other_identity = true});
  staging.create_database("shop");
  staging.sql("shop", "create table account(id int); create table staged()");
  Pgstow other(staging, "shop");
  other.with("BACKUP_KEEP_DAILY=1");
  pgstow.with("BACKUP_KEEP_DAILY=1");
  ASSERT_TRUE(pgstow.run({"backup"}).ok());
  const std::string own = pgstow.archives().at(0);
  ASSERT_TRUE(other.run({"backup", "--local-path", pgstow.backups()}).ok());
  ASSERT_THAT(pgstow.archives(), SizeIs(2));
  const std::string staged = pgstow.archives().at(1);

  const std::string before = dump_text(server, "shop");
  const Outcome latest = pgstow.run({"restore", "--yes"});
  ASSERT_TRUE(latest.ok()) << latest.describe();
  EXPECT_EQ(first_difference(before, dump_text(server, "shop")), "");
  const Outcome by_number = pgstow.run({"restore", "1", "--yes"});
  EXPECT_EQ(by_number.exit_code, 2) << by_number.describe();
  EXPECT_THAT(by_number.err, HasSubstr("another server"));
  const Outcome named = pgstow.run({"restore", staged, "--yes"});
  ASSERT_TRUE(named.ok()) << named.describe();
  EXPECT_THAT(named.err, HasSubstr("warning the backup is of another server"));
  EXPECT_EQ(server.value("shop", "select count(*) from pg_tables where tablename = 'staged'"), "1");

  // Where none is left of this server, and of the database only staging's are: as in a migration.
  std::filesystem::remove(pgstow.backups() / own);
  const Outcome only_other = pgstow.run({"restore", "--yes"});
  ASSERT_TRUE(only_other.ok()) << only_other.describe();
  EXPECT_THAT(only_other.err, HasSubstr("of another server, as all of this database are"));
}

}  // namespace
}  // namespace pgstow::test
