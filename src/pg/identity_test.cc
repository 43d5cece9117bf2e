// Which server answers, asked by psql and by libpq, of real servers that are copies of one another.
#include "pg/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "harness/postgres.h"
#include "harness/program.h"
#include "pg/probe.h"

namespace pgstow::pg {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr std::chrono::seconds kPatience{30};

Parameters by_libpq(const test::TestServer& server, const std::string& user) {
  return {{"host", server.socket_dir()},
          {"port", std::to_string(server.port())},
          {"user", user},
          {"dbname", "postgres"}};
}

std::string from_here(const Parameters& server) {
  return probe_server(server, kPatience, {}).identity;
}

// A place that is no other one, but has nothing of our environment.
Runner there(const test::TestServer& server) {
  return {.prefix = {"env", "-i", "PATH=/usr/bin:/bin"},
          .host = server.socket_dir(),
          .port = std::to_string(server.port())};
}

TEST(Identity, IsTheSameToEveryRoleByEveryWay) {
  const test::TestServer server;
  server.sql("postgres",
             "create role app login; alter role app set timezone = 'Asia/Tokyo';"
             "alter role app set datestyle = 'German'; alter role app set search_path = evil;"
             "revoke execute on function pg_control_system() from public");
  const std::string identity = from_here(by_libpq(server, "postgres"));
  EXPECT_THAT(identity, MatchesRegex("PostgreSQL .* at port .*, started 20..-..-.. "
                                     "..:..:..\\.[0-9]{6} UTC"));
  EXPECT_EQ(from_here(by_libpq(server, "app")), identity);
  EXPECT_EQ(identity_there(there(server), by_libpq(server, "app"), {}), identity);
}

TEST(Identity, DiffersBetweenCopiesOfOneServer) {
  const test::TestServer one;
  const test::TestServer other;
  const std::string system = "select system_identifier from pg_control_system()";
  ASSERT_EQ(one.value("postgres", system), other.value("postgres", system));
  EXPECT_NE(from_here(by_libpq(one, "postgres")), from_here(by_libpq(other, "postgres")));
}

TEST(Identity, IsToldThoughTheDatabaseIsNotThere) {
  const test::TestServer server;
  Parameters lost = by_libpq(server, "postgres");
  lost["dbname"] = "lost";
  EXPECT_EQ(identity_there(there(server), lost, {}), from_here(by_libpq(server, "postgres")));
  const Probed probed = probe_server(lost, kPatience, {});
  EXPECT_EQ(probed.answer, Answer::kOpen);
  EXPECT_EQ(probed.identity, "");
}

TEST(Identity, WhereNobodyAnswersPsqlSaysWhyOnce) {
  const Runner nowhere{
      .prefix = {"env", "-i", "PATH=/usr/bin:/bin"}, .host = "127.0.0.1", .port = "1"};
  try {
    identity_there(nowhere, {{"user", "x"}, {"dbname", "x"}}, {});
    FAIL();
  } catch (const ProcessFailed& e) {
    const std::string text = e.what();
    const std::size_t first = text.find("onnection refused");
    EXPECT_NE(first, std::string::npos) << text;
    EXPECT_EQ(text.find("onnection refused", first + 1), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace pgstow::pg
