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
                             "PGSERVICEFILE", "PGHOSTADDR", "PGSSLMODE"}) {
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

// A tunnel speaks no TLS: that it was demanded, by whatever, must not get lost on the way there.
TEST_F(Resolved, ExplicitParametersKeepWhatIsDemandedOfTls) {
  test::write_file(folder / "services",
                   "[far]\nhost=db.invalid\nsslmode=verify-full\nsslrootcert=/etc/ca.pem\n"
                   "channel_binding=require\n");
  ::setenv("PGSERVICEFILE", (folder / "services").c_str(), 1);
  const Parameters by_service = explicit_parameters({{"service", "far"}, {"user", "app"}});
  EXPECT_EQ(by_service.at("sslmode"), "verify-full");
  EXPECT_EQ(by_service.at("sslrootcert"), "/etc/ca.pem");
  EXPECT_EQ(by_service.at("channel_binding"), "require");
  EXPECT_FALSE(by_service.contains("service"));
  ::setenv("PGSSLMODE", "require", 1);
  EXPECT_EQ(explicit_parameters({{"service", "far"}}).at("sslmode"), "verify-full");
  EXPECT_EQ(explicit_parameters({{"host", "db.invalid"}}).at("sslmode"), "require");
  EXPECT_EQ(explicit_parameters({{"host", "h"}, {"sslmode", "allow"}}).at("sslmode"), "allow");
  ::unsetenv("PGSSLMODE");
  EXPECT_FALSE(explicit_parameters({{"host", "db.invalid"}}).contains("sslmode"));
}

}  // namespace
}  // namespace pgstow::pg
