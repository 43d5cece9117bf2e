#include "pg/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "harness/program.h"

namespace pgstow::pg {
namespace {

using testing::HasSubstr;

// What is said against a server behind a command; empty: nothing, or that nobody answers.
std::string refused(const Parameters& server) {
  const SystemClock clock;
  const Log log(clock, LogFormat::kText, Level::kError);
  try {
    static_cast<void>(Access::open({.server = server, .exec = {"env"}}, {log, clock, {}}));
  } catch (const ConfigError& e) {
    return e.what();
  } catch (const Transient&) {
    return "";
  }
  return "";
}

TEST(Access, TlsThatATunnelCantKeepIsRefusedWhereverItIsDemanded) {
  const std::string error = "BACKUP_EXEC: sslmode=verify-full to db.invalid can't be kept";
  EXPECT_THAT(refused({{"host", "db.invalid"}, {"sslmode", "verify-full"}}), HasSubstr(error));
  const test::TempDir folder("pgstow-service-");
  test::write_file(folder / "services", "[far]\nhost=db.invalid\nsslmode=verify-full\n");
  ::setenv("PGSERVICEFILE", (folder / "services").c_str(), 1);
  EXPECT_THAT(refused({{"service", "far"}}), HasSubstr(error));
  ::unsetenv("PGSERVICEFILE");
  ::setenv("PGSSLMODE", "verify-full", 1);
  EXPECT_THAT(refused({{"host", "db.invalid"}}), HasSubstr(error));
  EXPECT_EQ(refused({{"host", "127.0.0.1"}, {"port", "1"}}), "") << "the command's own host";
  ::unsetenv("PGSSLMODE");
}

}  // namespace
}  // namespace pgstow::pg
