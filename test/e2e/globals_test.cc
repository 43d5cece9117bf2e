// The server's globals: kept with each backup, checked and removed with it; and roles that come
// back on a server that knows none of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/faults.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kRoles =
    "create role team nologin; comment on role team is 'who may; read';"
    "create role \"Own er\" login password 'sesame' connection limit 7 valid until '2040-01-01';"
    "alter role \"Own er\" set work_mem to '8MB';"
    "create role app login createdb in role team; grant pg_monitor to app with admin option;"
    "grant set on parameter work_mem to app";

constexpr const char* kOwned =
    "alter table account owner to \"Own er\"; grant select on note to team";

std::string unpacked(const fs::path& file) { return run_ok({.argv = {"gunzip", "-c", file}}); }

// `pg_dumpall -g` without psql's token, which is another one each time.
std::string globals(const TestServer& server) {
  return run_ok({.argv = {"bash", "-c", "\"$1\" -g | grep -v '^\\\\'", "bash",
                          postgres_programs() / "pg_dumpall"},
                 .env = server.environment()});
}

class Globals : public testing::Test {
 protected:
  Globals() {
    server.sql("postgres", kRoles);
    server.create_database("shop");
    server.sql("shop", kShop);
    server.sql("shop", kOwned);
  }
  fs::path kept() const { return pgstow.backups() / pgstow.files(".globals.sql.gz").at(0); }

  // A restore from our folder by somebody at a terminal, which script(1) gives it.
  Outcome answered(const Pgstow& there, const std::string& answers) const {
    Program program = there.program({}, answers);
    program.env.push_back("TERM=dumb");
    program.argv = {
        "script", "-qec",
        std::string(PGSTOW_BINARY) + " restore --local-path " + pgstow.backups().string(),
        "/dev/null"};
    return run(program);
  }

  TestServer server;
  Pgstow pgstow{server, "shop"};
};

TEST_F(Globals, RolesComeBackOnAnEmptyServer) {
  const Outcome backup = pgstow.run({"backup"});
  ASSERT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_EQ(fs::status(kept()).permissions(), fs::perms(0600));
  EXPECT_THAT(unpacked(kept()), HasSubstr("CREATE ROLE \"Own er\""));

  const TestServer other({.other_identity = true});
  Pgstow there(other, "shop");
  const std::string folder = "--local-path=" + pgstow.backups().string();
  const Outcome refused = there.run({"restore", "--yes", folder});
  EXPECT_EQ(refused.exit_code, 1) << refused.describe();
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("role Own er"), HasSubstr("role team"), HasSubstr("--create-roles"),
                    HasSubstr("--no-owner --no-privileges")));
  const Outcome no = answered(there, "n\nn\n");
  EXPECT_THAT(no.out,
              AllOf(HasSubstr("lacks roles that the backup needs: Own er, team"),
                    HasSubstr("kept with it (Own er, app, team)"), HasSubstr("Nothing was done")));
  EXPECT_EQ(other.value("postgres", "select count(*) from pg_roles where rolname = 'team'"), "0");

  const Outcome yes = answered(there, "y\ny\n");
  ASSERT_EQ(yes.exit_code, 0) << yes.describe();
  EXPECT_THAT(yes.out, HasSubstr("every row equal to the backup's proof"));
  EXPECT_THAT(yes.out, Not(HasSubstr("SCRAM-SHA-256")));
  EXPECT_EQ(first_difference(dump_text(server, "shop"), dump_text(other, "shop")), "");
  EXPECT_EQ(first_difference(globals(server), globals(other)), "");

  // What is there is left as it is.
  other.sql("postgres", "drop owned by app; drop role app; alter role team login");
  const Outcome again = there.run({"restore", "--yes", "--create-roles", folder});
  ASSERT_EQ(again.exit_code, 0) << again.describe();
  EXPECT_THAT(again.err, HasSubstr("created roles roles=app"));
  EXPECT_EQ(other.value("postgres", "select rolcanlogin from pg_roles where rolname = 'team'"),
            "t");
  other.sql("postgres", "alter role team nologin");
  EXPECT_EQ(first_difference(globals(server), globals(other)), "");
}

TEST_F(Globals, WhoMayNotReadPasswordsKeepsTheRolesWithoutThem) {
  // Not pg_read_all_data, which may read pg_authid, too.
  server.sql("shop",
             "create role reader login; grant select on all tables in schema public to reader;"
             "grant select on all sequences in schema public to reader");
  Program program = pgstow.program({"backup"});
  program.env.insert(program.env.begin(), "PGUSER=reader");
  const Outcome backup = run(program);
  EXPECT_EQ(backup.exit_code, 0) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("roles are kept without their passwords"));
  EXPECT_THAT(unpacked(kept()), AllOf(HasSubstr("CREATE ROLE team"), Not(HasSubstr("SCRAM"))));
  const std::string manifest = read_file(pgstow.backups() / pgstow.files(".json").at(0));
  EXPECT_THAT(manifest, HasSubstr("\"passwords\": false"));
}

TEST_F(Globals, WhatKeepsThemFromBeingReadLosesNoBackup) {
  const std::string setting = "BACKUP_PG_BIN=";
  const FakeTool pg_dump("pg_dump", R"("$REAL" "$@")");
  fs::create_symlink(postgres_programs() / "pg_restore",
                     fs::path(pg_dump.setting().substr(setting.size())) / "pg_restore");
  pgstow.with(pg_dump.setting());
  fs::remove(fs::path(pg_dump.setting().substr(setting.size())) / "pg_dumpall");
  const Outcome backup = pgstow.run({"backup"});
  EXPECT_EQ(backup.exit_code, 3) << backup.describe();
  EXPECT_THAT(backup.err, HasSubstr("roles and tablespaces are not kept"));
  EXPECT_THAT(pgstow.files(".globals.sql.gz"), IsEmpty());
  EXPECT_EQ(pgstow.run({"verify"}).exit_code, 0);
  EXPECT_EQ(pgstow.run({"backup", "--globals", "false"}).exit_code, 0);
  const Outcome restore = pgstow.run({"restore", "--yes", "--create-roles"});
  EXPECT_EQ(restore.exit_code, 10) << restore.describe();
  EXPECT_THAT(restore.err, HasSubstr("globals were not kept with it"));
  EXPECT_EQ(pgstow.run({"restore", "--yes"}).exit_code, 0);
}

TEST_F(Globals, AreCheckedCopiedAndRemovedWithTheirBackup) {
  const fs::path usb = pgstow.folder() / "usb";
  fs::create_directory(usb);
  pgstow.with("BACKUP_STORES=local,local:usb").with("BACKUP_LOCAL_USB_PATH=" + usb.string());
  ASSERT_EQ(pgstow.run({"backup"}).exit_code, 0);
  const std::string whole = read_file(kept());
  ASSERT_EQ(read_file(usb / kept().filename()), whole);

  std::string flipped = whole;
  flipped[flipped.size() / 2] ^= 1;
  write_file(kept(), flipped);
  const Outcome verify = pgstow.run({"verify"});
  EXPECT_EQ(verify.exit_code, 4) << verify.describe();
  EXPECT_THAT(verify.out, AllOf(HasSubstr("DAMAGED"), HasSubstr("globals")));
  EXPECT_THAT(pgstow.run({"list"}).out, HasSubstr("without its globals"));
  EXPECT_EQ(pgstow.run({"restore", "--yes", "--from", "local"}).exit_code, 0)
      << "the rows are whole";
  fs::remove(usb / kept().filename());
  EXPECT_EQ(pgstow.run({"sync"}).exit_code, 0) << "there is no whole one to copy";
  write_file(usb / kept().filename(), whole);
  const Outcome sync = pgstow.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.describe();
  EXPECT_THAT(sync.out, HasSubstr("without its globals"));
  EXPECT_EQ(read_file(kept()), whole);
  EXPECT_EQ(pgstow.run({"verify", "--all"}).exit_code, 0);
  EXPECT_THAT(pgstow.run({"sync"}).out, HasSubstr("up to date"));

  fs::remove(kept());
  EXPECT_EQ(pgstow.run({"verify", "--from", "local"}).exit_code, 4);
  EXPECT_EQ(pgstow.run({"sync"}).exit_code, 0);
  const std::string first = kept().filename();
  ASSERT_EQ(pgstow
                .run({"backup", "--keep-last", "1", "--keep-daily", "0", "--keep-weekly", "0",
                      "--keep-monthly", "0"})
                .exit_code,
            0);
  EXPECT_THAT(pgstow.archives(), SizeIs(1));
  EXPECT_THAT(pgstow.files(".globals.sql.gz"), AllOf(SizeIs(1), Not(ElementsAre(first))));
  EXPECT_FALSE(fs::exists(usb / first));
}

}  // namespace
}  // namespace pgstow::test
