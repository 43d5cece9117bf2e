#include "pg/resolved.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "harness/program.h"

namespace pgstow::pg {
namespace {

using From = ResolvedValue::From;

// An environment without libpq's variables but those of the test.
class Resolved : public testing::Test {
 protected:
  Resolved() {
    for (const char* name : {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE",
                             "PGSERVICEFILE", "PGHOSTADDR"}) {
      if (const char* value = std::getenv(name)) saved_[name] = value;
      ::unsetenv(name);
      names_.emplace_back(name);
    }
    ::setenv("PGPASSFILE", (folder / "pgpass").c_str(), 1);
  }
  ~Resolved() override {
    ::unsetenv("PGPASSFILE");
    for (const std::string& name : names_) ::unsetenv(name.c_str());
    for (const auto& [name, value] : saved_) ::setenv(name.c_str(), value.c_str(), 1);
  }

  static ResolvedValue value(const Parameters& parameters, const std::string& keyword) {
    for (const ResolvedValue& one : resolve_target(parameters).values) {
      if (one.keyword == keyword) return one;
    }
    return {};
  }

  test::TempDir folder{"pgstow-resolved-"};

 private:
  std::map<std::string, std::string> saved_;
  std::vector<std::string> names_;
};

TEST_F(Resolved, ParametersEnvironmentAndDefaults) {
  ::setenv("PGHOST", "db.invalid", 1);
  ::setenv("PGPASSWORD", "secret", 1);
  const Parameters parameters{{"user", "app"}};
  EXPECT_EQ(value(parameters, "host").value, "db.invalid");  // and is not looked up
  EXPECT_EQ(value(parameters, "host").from, From::kEnvironment);
  EXPECT_EQ(value(parameters, "host").detail, "PGHOST");
  EXPECT_EQ(value(parameters, "port").value, "5432");
  EXPECT_EQ(value(parameters, "port").from, From::kDefault);
  EXPECT_EQ(value(parameters, "user").from, From::kParameter);
  EXPECT_EQ(value(parameters, "dbname").value, "app");
  EXPECT_EQ(value(parameters, "dbname").from, From::kDefault);
  EXPECT_EQ(value(parameters, "password").value, "********");
}

TEST_F(Resolved, Services) {
  test::write_file(folder / "services", "[far]\nhost=one,two\nport=6000\ndbname=shop\n");
  ::setenv("PGSERVICEFILE", (folder / "services").c_str(), 1);
  ::setenv("PGHOST", "unused", 1);
  const Parameters parameters{{"service", "far"}};
  EXPECT_EQ(value(parameters, "host").value, "one,two");
  EXPECT_EQ(value(parameters, "host").from, From::kService);
  EXPECT_EQ(value(parameters, "host").detail, "far");
  EXPECT_EQ(value(parameters, "port").value, "6000");
  EXPECT_EQ(value(parameters, "dbname").from, From::kService);
  EXPECT_THAT(resolve_target({{"service", "near"}}).problem, testing::HasSubstr("near"));
}

}  // namespace
}  // namespace pgstow::pg
