#include "cli/system_unit.h"

#include <gtest/gtest.h>

namespace pgstow::cli {
namespace {

TEST(SystemUnit, AConfigurationIsNamedByFlagsAndVariables) {
  EXPECT_FALSE(names_configuration({}, {"HOME=/root", "PATH=/bin", "LANG=C"}));
  EXPECT_FALSE(names_configuration({"--quiet", "--verbose"}, {}));
  EXPECT_FALSE(names_configuration({}, {"BACKUP_LOCAL_PATH=", "DATABASE_URL=", "PGHOST="}));
  EXPECT_TRUE(names_configuration({"--quiet", "--env-file=x"}, {}));
  EXPECT_TRUE(names_configuration({"--local-path=x"}, {}));
  EXPECT_TRUE(names_configuration({}, {"HOME=/root", "DATABASE_URL=postgresql:///shop"}));
  EXPECT_TRUE(names_configuration({}, {"BACKUP_LOCAL_PATH=x"}));
  EXPECT_TRUE(names_configuration({}, {"PGHOST=x"}));
}

}  // namespace
}  // namespace pgstow::cli
