#include "daemon/http_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/testing_standing.h"

namespace pgstow {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = "0123456789abcdef";

HttpSettings own(const std::string& token = "") {
  return {.listen = HttpAddress{.host = "127.0.0.1", .port = 9719}, .token = token};
}
HttpSettings open() {
  return {.listen = HttpAddress{.host = "0.0.0.0", .port = 9719}, .token = kToken};
}

HttpReply get(const std::string& target, const HttpSettings& settings = own(),
              const Standing& standing = testing_standing()) {
  return reply_to({.method = "GET", .target = target, .host = "localhost:9719"}, settings,
                  [&] { return standing; });
}

TEST(HttpReply, KnowsThreePathsAndTwoMethods) {
  EXPECT_EQ(get("/healthz").status, 200U);
  EXPECT_EQ(get("/readyz").status, 200U);
  EXPECT_THAT(get("/metrics?debug=1").body, HasSubstr("pgstow_up_to_date"));
  EXPECT_EQ(get("/metrics").type, "text/plain; version=0.0.4; charset=utf-8");
  for (const char* path : {"/", "", "*", "/metrics/", "/METRICS", "//metrics", "/%6detrics",
                           "http://localhost/metrics", "/../metrics"}) {
    EXPECT_EQ(get(path).status, 404U) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"}) {
    const HttpReply reply =
        reply_to({.method = method, .target = "/metrics"}, own(), testing_standing);
    EXPECT_EQ(reply.status, 405U) << method;
    EXPECT_EQ(reply.headers.at(0), (std::pair<std::string, std::string>("Allow", "GET, HEAD")));
  }
}

// A service that lives is healthy, whatever its backups.
TEST(HttpReply, ReadinessIsAScheduleAndABackupThatIsNotTooOld) {
  Standing standing = testing_standing();
  standing.stale_from = standing.now;
  EXPECT_EQ(get("/readyz", own(), standing).status, 503U);
  EXPECT_EQ(get("/readyz", own(), standing).body, "the newest good backup is too old\n");
  EXPECT_EQ(get("/healthz", own(), standing).status, 200U);
  standing.moves = false;
  EXPECT_EQ(get("/healthz", own(), standing).status, 503U);
  standing.last_good.reset();
  EXPECT_EQ(get("/readyz", own(), standing).body, "there is no good backup\n");
  standing.stale_from.reset();  // a new service, whose first backup is not due yet
  EXPECT_EQ(get("/readyz", own(), standing).status, 200U);
  standing.next_run.reset();
  EXPECT_EQ(get("/readyz", own(), standing).body, "no schedule runs\n");
  EXPECT_EQ(get("/readyz", own(), Standing{}).status, 503U);
}

TEST(HttpReply, HealthNamesNothing) {
  Standing standing = testing_standing();
  for (const bool stale : {false, true}) {
    if (stale) standing.stale_from = standing.now;
    for (const char* path : {"/healthz", "/readyz", "/other"}) {
      EXPECT_THAT(get(path, open(), standing).body, Not(HasSubstr("shop"))) << path;
      EXPECT_THAT(get(path, open(), standing).body, Not(HasSubstr("local"))) << path;
    }
  }
}

TEST(HttpReply, MetricsAskForTheToken) {
  const auto with = [](const std::string& authorization, const HttpSettings& settings = open()) {
    return reply_to({.method = "GET", .target = "/metrics", .authorization = authorization},
                    settings, testing_standing);
  };
  for (const char* good : {
           "Bearer 0123456789abcdef", "bearer  0123456789abcdef ",
           "Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg==",  // admin:
           "BASIC OjAxMjM0NTY3ODlhYmNkZWY=",          // no user
       }) {
    EXPECT_EQ(with(good).status, 200U) << good;
    EXPECT_EQ(with(good, own(kToken)).status, 200U) << good;
  }
  for (const char* bad :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
        "Bearer0123456789abcdef", "0123456789abcdef", "Token 0123456789abcdef", "Basic",
        "Basic 0123456789abcdef", "Basic MDEyMzQ1Njc4OWFiY2RlZg==",  // no colon
        "Basic MDEyMzQ1Njc4OWFiY2RlZjo=",                            // as the user
        "Basic =", "Basic ====", "Basic ===="}) {
    const HttpReply reply = with(bad);
    EXPECT_EQ(reply.status, 401U) << bad;
    EXPECT_THAT(reply.body, Not(HasSubstr("shop")));
    EXPECT_EQ(reply.headers.at(0).first, "WWW-Authenticate");
    EXPECT_EQ(with(bad, own(kToken)).status, 401U) << bad;
    EXPECT_EQ(with(bad, own()).status, 200U) << bad;
  }
  EXPECT_EQ(get("/healthz", open()).status, 200U);
  EXPECT_EQ(get("/readyz", open()).status, 200U);
}

TEST(HttpReply, ANameThatWasReboundToLoopbackIsRefused) {
  const auto as = [](const std::string& host, const HttpSettings& settings) {
    return reply_to({.method = "GET", .target = "/metrics", .host = host}, settings,
                    testing_standing)
        .status;
  };
  for (const char* host : {"", "localhost", "LocalHost:9719", "a.localhost:1", "127.0.0.1:9719",
                           "[::1]:9719", "192.0.2.7"}) {
    EXPECT_EQ(as(host, own()), 200U) << host;
  }
  for (const char* host : {"evil.example:9719", "localhost.evil.example", "127.0.0.1.evil.example",
                           "evillocalhost", "[evil]", "[::1", "127.1"}) {
    EXPECT_EQ(as(host, own()), 403U) << host;
    // Beyond loopback names are what people use; the token keeps pages out.
    EXPECT_EQ(as(host, open()), 401U) << host;
  }
}

}  // namespace
}  // namespace pgstow
