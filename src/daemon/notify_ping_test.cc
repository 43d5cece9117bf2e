#include "daemon/notify_ping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/testing_notify.h"
#include "harness/ports.h"
#include "harness/scripted_http.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = Event::Kind;

class PingTest : public ::testing::Test {
 protected:
  void send(const Event& event) {
    PingNotifier(http.url() + path, quick_basics()).send(event, test.context());
  }
  std::string failure(S3Reply reply) {
    http.then(std::move(reply));
    return thrown_by([&] { send(failed_event()); });
  }
  std::string target(std::size_t n) const {
    return http.calls().at(n).path + "?" + http.calls().at(n).query;
  }

  ScriptedHttp http{{.status = 200, .headers = {}, .body = "OK"}};
  TestContext test;
  std::string path = "/5bf66975-canary";
  const std::string rid = std::string("?rid=") + kRunId;
};

TEST_F(PingTest, TellsStartAndEndOfOneRun) {
  send(event_of(Kind::kStarted));
  send(good_event());
  EXPECT_EQ(target(0), path + "/start" + rid);
  EXPECT_EQ(target(1), path + rid);
  EXPECT_EQ(http.calls()[0].method, "POST");
  EXPECT_EQ(http.calls()[0].body, "");
  EXPECT_THAT(http.calls()[1].body, StartsWith("Backup of shop on db1 is good\n"));
  EXPECT_THAT(http.calls()[1].header("user-agent"), StartsWith("pgstow/"));
}

TEST_F(PingTest, WhatIsBadFails) {
  send(failed_event());
  send(good_event(Kind::kIncomplete));
  Event stale = event_of(Kind::kStale);
  stale.run_id = "";
  send(stale);
  EXPECT_EQ(target(0), path + "/fail" + rid);
  EXPECT_EQ(target(1), path + "/fail" + rid);
  EXPECT_EQ(target(2), path + "/fail?");
  EXPECT_THAT(http.calls()[0].body, AllOf(StartsWith("Backup of shop on db1 FAILED\nWhy: pg_dump"),
                                          EndsWith("\n\nline one\nline two\n")));
}

// The switch must not take a test for a backup.
TEST_F(PingTest, ATestChangesNothing) {
  send(event_of(Kind::kTest));
  send(good_event(Kind::kRecovered));
  EXPECT_EQ(target(0), path + "/log" + rid);
  EXPECT_EQ(target(1), path + rid);
}

TEST_F(PingTest, IsToldOfEverything) {
  NotifyBasics basics = quick_basics();
  basics.on = parse_notify_on("recovery");
  const PingNotifier ping(http.url(), basics);
  for (const Kind kind : {Kind::kStarted, Kind::kGood, Kind::kIncomplete, Kind::kFailed,
                          Kind::kRecovered, Kind::kStale, Kind::kTest}) {
    EXPECT_TRUE(ping.wants(kind, false));
  }
}

TEST_F(PingTest, AQueryStaysBehindThePath) {
  path = "/ping/key/shop/?create=1";
  send(failed_event());
  EXPECT_EQ(target(0), "/ping/key/shop/fail?create=1&rid=" + std::string(kRunId));
}

TEST_F(PingTest, SendsTheEndOfALongLog) {
  Event event = failed_event();
  event.log_tail = std::string(50'000, 'x') + "ä\nthe cause\n";
  send(event);
  EXPECT_LE(http.calls()[0].body.size(), 10'000U);
  EXPECT_THAT(http.calls()[0].body,
              AllOf(StartsWith("Backup of"), HasSubstr("…"), EndsWith("ä\nthe cause\n")));
}

TEST_F(PingTest, A200CanBeAFailure) {
  EXPECT_THAT(failure({.status = 200, .headers = {}, .body = "OK (not found)"}),
              HasSubstr("ping: status 200: OK (not found) | BACKUP_PING_URL names no check"));
  EXPECT_EQ(http.calls().size(), 1U);
  for (int i = 0; i < 10; ++i)
    http.then({.status = 200, .headers = {}, .body = "OK (rate limited)\n"});
  EXPECT_THAT(thrown_by([&] { send(failed_event()); }),
              HasSubstr("ping: status 200: OK (rate limited)"));
  EXPECT_EQ(http.calls().size(), 9U);
}

TEST_F(PingTest, IsSentAgainWhenThatMayHelp) {
  http.then_reset()
      .then({.status = 200, .headers = {}, .body = "OK (rate limited)"})
      .then({.status = 503, .headers = {{"retry-after", "20"}}, .body = ""});
  const Time began = test.clock.now();
  send(good_event());
  EXPECT_EQ(http.calls().size(), 4U);
  EXPECT_EQ(test.clock.now() - began, std::chrono::seconds(1 + 2 + 20));
}

TEST_F(PingTest, OtherRefusalsAreSaidOnce) {
  EXPECT_THAT(failure({.status = 409, .headers = {}, .body = "ambiguous slug"}),
              HasSubstr("status 409: ambiguous slug | several checks"));
  EXPECT_THAT(failure({.status = 404, .headers = {}, .body = "not found"}),
              HasSubstr("names no check"));
  EXPECT_THAT(
      failure({.status = 301, .headers = {{"location", "https://other.test/canary"}}, .body = ""}),
      AllOf(HasSubstr("a redirect to https://other.test, which"), Not(HasSubstr("canary"))));
  EXPECT_EQ(http.calls().size(), 3U);
}

TEST_F(PingTest, TheUrlIsInNoErrorAndNoLog) {
  std::string seen =
      failure({.status = 400, .headers = {}, .body = "no: " + http.url() + path + rid});
  PingNotifier nobody("http://me:canary-password@127.0.0.1:" + std::to_string(free_port()) + path,
                      quick_basics());
  seen += thrown_by([&] { nobody.send(good_event(), test.context()); });
  seen += thrown_by([&] { PingNotifier("htp://" + path, quick_basics()); });
  EXPECT_THAT(seen + test.logged(),
              AllOf(HasSubstr("***"), HasSubstr("onnect"), HasSubstr("BACKUP_PING_URL: no URL"),
                    HasSubstr("tried again"), Not(HasSubstr("canary"))));
}

TEST_F(PingTest, UserAndPasswordAreAHeader) {
  PingNotifier("http://me:p%40ss@127.0.0.1:" + std::to_string(http.port()) + "/x", quick_basics())
      .send(good_event(), test.context());
  EXPECT_EQ(http.calls()[0].header("authorization"), "Basic bWU6cEBzcw==");
}

}  // namespace
}  // namespace pgstow::test
