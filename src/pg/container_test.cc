// What engines tell of containers, and which of them is meant. The replies are a Docker engine's
// (API 1.41), cut down to what counts.
#include "pg/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/error.h"
#include "pg/engine_address.h"

namespace pgstow::pg {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kList = R"json([
  {"Id": "1a2b3c", "Names": ["/finance_bot_db"], "Image": "postgres:16-alpine", "State": "running",
   "Status": "Up 2 hours (healthy)",
   "Labels": {"com.docker.compose.project": "bot", "com.docker.compose.service": "db"}},
  {"Id": "1a9999", "Names": ["/finance_bot"], "Image": "bot", "State": "running", "Status": "Up",
   "Labels": {"com.docker.compose.project": "bot", "com.docker.compose.service": "app"}},
  {"Id": "77aa77", "Names": ["/bot-db-run-1"], "Image": "postgres:16-alpine", "State": "exited",
   "Labels": {"com.docker.compose.project": "bot", "com.docker.compose.service": "db",
              "com.docker.compose.oneoff": "True"}},
  {"Id": "beef00", "Names": ["/shop-db-1"], "Image": "pgvector/pgvector:pg17", "State": "running",
   "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "db",
              "backup": "nightly"}},
  {"Id": "dead00", "Names": null, "Labels": null}
])json";

std::string chosen(std::string_view wanted) {
  const std::vector<ListedContainer> all = read_list(boost::json::parse(kList));
  try {
    return choose_container(all, wanted).id;
  } catch (const Error& e) {
    return std::to_string(e.exit_code()) + ": " + e.what() + " hint: " + e.hint();
  }
}

TEST(ChooseContainer, ByNameIdServiceOrLabel) {
  EXPECT_EQ(chosen("finance_bot_db"), "1a2b3c");
  EXPECT_EQ(chosen("/finance_bot"), "1a9999") << "a whole name, not the beginning of another";
  EXPECT_EQ(chosen("1a2b3c"), "1a2b3c");
  EXPECT_THAT(chosen("1a2b"), HasSubstr("no container")) << "too short to be meant as an id";
  EXPECT_EQ(chosen("app"), "1a9999");
  EXPECT_EQ(chosen("bot/db"), "1a2b3c") << "the one of `compose run` is not the service";
  EXPECT_EQ(chosen("shop/db"), "beef00");
  EXPECT_EQ(chosen("label=backup"), "beef00");
  EXPECT_EQ(chosen("label=backup=nightly"), "beef00");
}

TEST(ChooseContainer, SeveralOrNoneAreTold) {
  EXPECT_THAT(chosen("db"), AllOf(HasSubstr("2: db may mean several"), HasSubstr("finance_bot_db"),
                                  HasSubstr("shop-db-1"), Not(HasSubstr("run-1"))));
  EXPECT_THAT(chosen("finance_bot_bd"),
              AllOf(HasSubstr("10: no container finance_bot_bd"), HasSubstr("pgvector"),
                    HasSubstr("did you mean finance_bot_db?")));
  EXPECT_THAT(chosen("label=backup=weekly"), HasSubstr("10: no container label=backup=weekly"));
  EXPECT_THAT(chosen("bot/cache"), HasSubstr("10: no container bot/cache"));
}

Time at(const char* text) { return parse_rfc3339(text).value(); }

TEST(ReadContainer, AddressesOfAPublishedPortAndOfItsNetworks) {
  const auto reply = boost::json::parse(R"({
    "Id": "1a2b3c", "Name": "/db",
    "State": {"Status": "running", "StartedAt": "2026-11-27T20:00:00.123456789Z",
              "Health": {"Status": "unhealthy",
                         "Log": [{"Output": "old"}, {"Output": "no response\n"}]}},
    "Config": {"Env": ["POSTGRES_USER=finance_user", "POSTGRES_PASSWORD=a=b", "POSTGRES_DB=bot",
                       "PATH=/bin", "odd"]},
    "HostConfig": {"NetworkMode": "bot_default"},
    "NetworkSettings": {
      "Ports": {"5432/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5433"},
                             {"HostIp": "::", "HostPort": "5433"}], "9187/tcp": null},
      "Networks": {"bot_default": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": ""}}}})");
  const Container c = read_container(reply, "", at("2026-11-27T20:01:00Z"));
  std::vector<std::string> addresses;
  for (const ServerAddress& a : c.addresses) addresses.push_back(a.host + " " + a.port);
  EXPECT_THAT(addresses, ElementsAre("127.0.0.1 5433", "::1 5433", "172.18.0.2 5432"));
  EXPECT_TRUE(c.runs());
  EXPECT_EQ(c.health, "unhealthy");
  EXPECT_EQ(c.health_said, "no response\n");
  EXPECT_EQ(c.started, at("2026-11-27T20:00:00.123Z"));
  const ContainerDatabase database = database_in(c);
  EXPECT_EQ(database.variables.user, "finance_user");
  EXPECT_EQ(database.variables.password, "a=b");
  EXPECT_EQ(database.variables.database, "bot");
  // An engine elsewhere: only published ports are of use, and they are there.
  const Container far = read_container(reply, "docker.example.org", at("2026-11-27T20:01:00Z"));
  ASSERT_EQ(far.addresses.size(), 2U);
  EXPECT_EQ(far.addresses[0].host, "docker.example.org");
}

TEST(ReadContainer, OneThatEndedSaysHow) {
  const auto reply = boost::json::parse(R"({
    "Id": "1a2b3c", "Name": "/db",
    "State": {"Status": "exited", "ExitCode": 137, "OOMKilled": true,
              "StartedAt": "2026-11-27T19:00:00Z", "FinishedAt": "2026-11-27T20:00:00Z"}})");
  const Container c = read_container(reply, "", at("2026-11-27T20:05:00Z"));
  EXPECT_EQ(c.how_it_is, "exited, status 137, out of memory, 5 min 0 s ago");
  EXPECT_EQ(database_in(c).variables.user, "postgres") << "the image's default";
  try {
    refuse_stopped(c);
    FAIL();
  } catch (const Transient& e) {
    EXPECT_THAT(e.what(), HasSubstr("Database container not running: db (exited"));
    EXPECT_THAT(e.hint(), HasSubstr("docker start db"));
  }
}

TEST(DatabaseInContainer, OfBitnamisImageAndOfASecretFile) {
  Container c;
  c.environment = {{"POSTGRESQL_USERNAME", "app"},
                   {"POSTGRESQL_DATABASE", "shop"},
                   {"POSTGRESQL_PASSWORD_FILE", "/run/secrets/db"}};
  const ContainerDatabase database = database_in(c);
  EXPECT_EQ(database.variables.user, "app");
  EXPECT_EQ(database.variables.database, "shop");
  EXPECT_EQ(database.variables.password, "");
  EXPECT_EQ(database.password_file, "/run/secrets/db");
}

TEST(DatabaseInContainer, NamedInFilesOfSecrets) {
  Container c;
  c.environment = {{"POSTGRES_USER_FILE", "/run/secrets/user"},
                   {"POSTGRES_DB_FILE", "/run/secrets/name"}};
  const ContainerDatabase database = database_in(c);
  EXPECT_EQ(database.user_file, "/run/secrets/user");
  EXPECT_EQ(database.database_file, "/run/secrets/name");
  EXPECT_EQ(database.variables.user, "") << "not the image's default";
}

Lookup variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(EngineAddress, AsTheDockerCommandFindsIt) {
  EXPECT_EQ(engine_address(variables({{"DOCKER_HOST", "unix:///x/y.sock"}})).socket, "/x/y.sock");
  const EngineAddress plain = engine_address(variables({{"DOCKER_HOST", "tcp://10.0.0.5:2375"}}));
  EXPECT_EQ(plain.url, "http://10.0.0.5:2375");
  EXPECT_EQ(plain.host, "10.0.0.5");
  const EngineAddress tls = engine_address(variables({{"DOCKER_HOST", "tcp://d.example.org"},
                                                      {"DOCKER_TLS_VERIFY", "1"},
                                                      {"DOCKER_CERT_PATH", "/certs"}}));
  EXPECT_EQ(tls.url, "https://d.example.org:2376");
  EXPECT_EQ(tls.certificates, "/certs");
  for (const char* bad : {"ssh://u@host", "npipe:////./pipe/x", "nonsense"}) {
    EXPECT_THROW(static_cast<void>(engine_address(variables({{"DOCKER_HOST", bad}}))), ConfigError)
        << bad;
  }
}

}  // namespace
}  // namespace pgstow::pg
