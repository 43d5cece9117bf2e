// A server whose disk is full in the middle of a restore.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "e2e/faults.h"
#include "e2e/small_disk.h"
#include "harness/dump_text.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The database is in a tablespace with room for it, but not for a second one beside it.
TEST(FaultServerDisk, FullInTheMiddleOfARestoreByManySessions) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  const TestServer server;
  const SmallDisk disk(server.socket_dir() / "disk", 48 << 10);
  const passwd* user = ::getpwnam("postgres");
  ASSERT_EQ(::chown((server.socket_dir() / "disk").c_str(), user->pw_uid, user->pw_gid), 0);
  server.sql("postgres", fmt::format("create tablespace small location '{}'",
                                     (server.socket_dir() / "disk").string()));
  server.sql("postgres", "create database shop tablespace small");
  server.sql("shop", kShop);
  server.sql("shop",
             "create table entry as select i, repeat(md5(i::text), 5) as body "
             "from generate_series(1, 140000) i");
  Pgstow pgstow(server, "shop");
  pgstow.with("BACKUP_JOBS=3");
  run_ok(pgstow.program({"backup"}));
  server.sql("shop", "update note set body = 'present'");
  const std::string present = dump_text(server, "shop");

  const Outcome outcome = pgstow.run({"restore", "--yes"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("sessions=3"), HasSubstr("loading public.entry"),
                    HasSubstr("could not extend file"), HasSubstr("hint: Check free disk"),
                    HasSubstr("database shop is as it was")));
  EXPECT_EQ(server.value("postgres", "select count(*) from pg_database where datname ~ '^shop'"),
            "1")
      << outcome.describe();
  EXPECT_EQ(first_difference(present, dump_text(server, "shop")), "");
  server.sql("shop", "update note set body = 'in service'");
}

}  // namespace
}  // namespace pgstow::test
