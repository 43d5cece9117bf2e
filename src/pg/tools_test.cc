// Which of the installed programs is taken. The programs are scripts that tell a version: several
// majors beside each other are not on every machine.
#include "pg/tools.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "harness/program.h"

namespace pgstow::pg {
namespace {

class InstalledTools : public ::testing::Test {
 protected:
  void install(const std::string& folder, const std::string& version) {
    const std::filesystem::path program = dir_ / folder;
    std::filesystem::create_directories(program);
    test::write_file(program / "pg_restore",
                     "#!/bin/sh\necho 'pg_restore (PostgreSQL) " + version + "'\n");
    std::filesystem::permissions(program / "pg_restore", std::filesystem::perms::owner_all);
  }
  Tool find(int major, const std::string& folder) {
    return find_tool("pg_restore", major, dir_ / folder, {});
  }

  test::TempDir dir_;
};

TEST_F(InstalledTools, TakesTheSameMajorOrANewerOne) {
  install("old", "15.3 (Debian)");
  install("new", "18.1");
  EXPECT_EQ(find(15, "old").version, "15.3 (Debian)");
  EXPECT_EQ(find(15, "new").major, 18);
  try {
    find(16, "old");
    FAIL() << "an older one was taken";
  } catch (const NotFound& e) {
    EXPECT_NE(std::string(e.what()).find("no pg_restore for PostgreSQL 16"), std::string::npos);
    EXPECT_NE(e.hint().find("postgresql-client-16"), std::string::npos);
  }
}

TEST_F(InstalledTools, WhatPrintsNoVersionIsNoTool) {
  install("odd", "x");
  test::write_file(dir_ / "odd/pg_restore", "#!/bin/sh\nexit 1\n");
  EXPECT_TRUE(installed_tools("pg_restore", dir_ / "odd", {}).empty());
}

TEST_F(InstalledTools, NoPgRestoreOf17IntoAnOlderServer) {
  install("new", "17.2");
  install("old", "16.1");
  EXPECT_NO_THROW(check_restores_into(find(17, "new"), 17));
  EXPECT_NO_THROW(check_restores_into(find(16, "old"), 13));
  try {
    check_restores_into(find(16, "new"), 16);
    FAIL() << "it would fail at its first statement";
  } catch (const NotFound& e) {
    EXPECT_NE(e.hint().find("postgresql-client-16"), std::string::npos);
  }
}

}  // namespace
}  // namespace pgstow::pg
