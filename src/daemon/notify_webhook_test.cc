#include "daemon/notify_webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "daemon/testing_notify.h"
#include "daemon/text_limits.h"
#include "harness/ports.h"
#include "harness/program.h"
#include "harness/scripted_http.h"
#include "harness/test_ca.h"
#include "harness/tls_http.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Format = WebhookSettings::Format;
using Kind = Event::Kind;

class WebhookTest : public ::testing::Test {
 protected:
  void send(const Event& event, Format format = Format::kJson) {
    WebhookNotifier({.url = http.url() + path, .secret = secret, .format = format}, quick_basics())
        .send(event, test.context());
  }
  boost::json::object sent(std::size_t n = 0) const {
    return parse_json_object(http.calls().at(n).body, "body");
  }
  std::string failure() {
    return thrown_by([&] { send(failed_event()); });
  }

  ScriptedHttp http;
  TestContext test;
  std::string path = "/hooks/canary-of-url?token=canary-in-query";
  std::string secret = "canary-key";
};

TEST_F(WebhookTest, PostsTheWholeEvent) {
  Event event = good_event(Kind::kIncomplete);
  event.warnings = {"s3: no route"};
  event.next_run = noon() + std::chrono::hours(12);
  send(event);
  const HttpCall call = http.calls().at(0);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.path + "?" + call.query, path);
  EXPECT_EQ(call.header("content-type"), "application/json");
  EXPECT_EQ(call.header("x-pgstow-event"), "incomplete");
  const boost::json::object o = sent();
  EXPECT_EQ(o.at("schema").as_string(), "pgstow.event/1");
  EXPECT_EQ(o.at("event").as_string(), "incomplete");
  EXPECT_TRUE(o.at("bad").as_bool());
  EXPECT_EQ(o.at("run_id").as_string(), kRunId);
  EXPECT_EQ(o.at("database").as_string(), "shop");
  EXPECT_EQ(o.at("bytes").to_number<int>(), 1'740'000);
  EXPECT_EQ(o.at("rows").to_number<int>(), 23'560);
  EXPECT_EQ(o.at("duration_ms").to_number<int>(), 4100);
  EXPECT_EQ(o.at("stores").as_array().size(), 2U);
  EXPECT_EQ(o.at("warnings").as_array().at(0).as_string(), "s3: no route");
  EXPECT_EQ(parse_rfc3339(std::string(o.at("time").as_string())), event.time);
  EXPECT_EQ(parse_rfc3339(std::string(o.at("next_run").as_string())), event.next_run);
  EXPECT_THAT(std::string(o.at("text").as_string()), HasSubstr("INCOMPLETE"));
}

// Checked by another program than the one that signed; every try has a time of its own.
TEST_F(WebhookTest, OpensslComesToTheSameSignature) {
  http.then({.status = 500, .headers = {}, .body = ""});
  send(failed_event());
  ASSERT_EQ(http.calls().size(), 2U);
  std::int64_t before = 0;
  for (const HttpCall& call : http.calls()) {
    const std::string timestamp = call.header("x-signature-timestamp");
    const std::string out = run_ok({.argv = {"openssl", "dgst", "-sha256", "-hmac", secret, "-r"},
                                    .input = timestamp + "." + call.body});
    EXPECT_EQ(call.header("x-signature-256"), "sha256=" + out.substr(0, out.find(' ')));
    EXPECT_GT(parse_int(timestamp).value_or(0), before);
    before = parse_int(timestamp).value_or(0);
  }
}

TEST_F(WebhookTest, WithoutASecretNothingIsSigned) {
  secret = "";
  send(failed_event());
  EXPECT_EQ(http.calls().at(0).header("x-signature-256"), "");
}

TEST_F(WebhookTest, ToSlack) {
  Event event = failed_event();
  event.database = "<!channel> & co";
  send(event, Format::kSlack);
  EXPECT_THAT(std::string(sent().at("text").as_string()),
              StartsWith("Backup of &lt;!channel&gt; &amp; co on db1 FAILED\nWhy:"));
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(WebhookTest, ToDiscord) {
  Event event = failed_event();
  event.database = "@everyone **x**";
  event.error = std::string(5000, '*');
  send(event, Format::kDiscord);
  const std::string content(sent().at("content").as_string());
  EXPECT_THAT(content, StartsWith("Backup of @everyone \\*\\*x\\*\\* on db1 FAILED\n"));
  EXPECT_LE(utf16_length(content), 2000U);
  EXPECT_TRUE(sent().at("allowed_mentions").as_object().at("parse").as_array().empty());
}

TEST_F(WebhookTest, ToNtfy) {
  Event event = failed_event();
  event.database = "größe\r\nX-Injected: 1";
  send(event, Format::kNtfy);
  send(good_event(), Format::kNtfy);
  const HttpCall call = http.calls().at(0);
  EXPECT_THAT(call.header("title"), StartsWith("=?UTF-8?B?"));
  EXPECT_EQ(call.header("x-injected"), "");
  EXPECT_EQ(call.header("priority"), "high");
  EXPECT_THAT(call.body, StartsWith("Backup of größe\\x0d\\nX-Injected: 1 on db1 FAILED\n"));
  EXPECT_EQ(http.calls().at(1).header("title"), "Backup of shop on db1 is good");
  EXPECT_EQ(http.calls().at(1).header("priority"), "low");
}

TEST_F(WebhookTest, BeginningsAreForPrograms) {
  const auto wants = [&](Format format) {
    return WebhookNotifier({.url = http.url(), .format = format}, quick_basics())
        .wants(Kind::kStarted, false);
  };
  EXPECT_TRUE(wants(Format::kJson));
  EXPECT_FALSE(wants(Format::kSlack));
}

TEST_F(WebhookTest, IsSentAgainWhileThatMayHelp) {
  http.then_reset()
      .then({.status = 503,
             .headers = {{"retry-after", "Sun, 22 Nov 2026 21:06:08 GMT"}},
             .body = ""})
      .then({.status = 429, .headers = {{"retry-after", "10"}}, .body = ""});
  const Time began = test.clock.now();
  send(failed_event());
  EXPECT_EQ(http.calls().size(), 4U);
  // 21:05:28, a second after the reset, 39 to the date, 10 as asked
  EXPECT_EQ(test.clock.now() - began, std::chrono::seconds(50));
}

TEST_F(WebhookTest, RefusalsAreSaidOnce) {
  http.then({.status = 410, .headers = {}, .body = "gone"});
  EXPECT_THAT(failure(), HasSubstr("webhook: status 410: gone | BACKUP_WEBHOOK_URL is not"));
  http.then({.status = 400, .headers = {}, .body = "invalid_payload"});
  EXPECT_THAT(failure(), HasSubstr("invalid_payload | does BACKUP_WEBHOOK_FORMAT fit"));
  EXPECT_EQ(http.calls().size(), 2U);
}

TEST_F(WebhookTest, ARedirectIsNotFollowed) {
  ScriptedHttp other;
  http.then({.status = 307, .headers = {{"location", other.url() + "/canary"}}, .body = ""});
  EXPECT_THAT(failure(), HasSubstr("status 307, a redirect to http://127.0.0.1, which is not"));
  EXPECT_TRUE(other.calls().empty());
}

TEST_F(WebhookTest, AReplyWithoutEndIsGivenUp) {
  NotifyBasics basics = quick_basics();
  basics.patience.attempts = 1;
  http.then({.status = 200, .headers = {}, .body = std::string(1 << 20, 'x')});
  WebhookNotifier hook({.url = http.url()}, basics);
  EXPECT_THAT(thrown_by([&] { hook.send(failed_event(), test.context()); }),
              HasSubstr("the reply is longer than"));
}

TEST_F(WebhookTest, AServerThatStallsIsGivenUp) {
  NotifyBasics basics = quick_basics();
  basics.patience.attempts = 1;
  http.then_stall();
  WebhookNotifier hook({.url = http.url()}, basics);
  EXPECT_THROW(hook.send(failed_event(), test.context()), Transient);
}

TEST_F(WebhookTest, AStopEndsTheSending) {
  test.stop.request_stop();
  EXPECT_THROW(send(failed_event()), Cancelled);
}

TEST_F(WebhookTest, TheUrlAndTheKeyAreInNoErrorAndNoLog) {
  const std::string echo = "posted to " + http.url() + path + " and " + path + " by canary-key";
  http.then({.status = 400, .headers = {}, .body = echo});
  std::string seen = failure();
  http.then(
      {.status = 404, .headers = {{"location", echo}}, .body = "canary-of-url canary-in-query"});
  seen += failure();
  WebhookNotifier nobody(
      {.url = "http://me:canary@127.0.0.1:" + std::to_string(free_port()) + path}, quick_basics());
  seen += thrown_by([&] { nobody.send(failed_event(), test.context()); });
  seen += thrown_by([&] { WebhookNotifier({.url = "canary.test"}, quick_basics()); });
  EXPECT_THAT(seen + test.logged(),
              AllOf(HasSubstr("posted to ***"), HasSubstr("onnect"), HasSubstr("tried again"),
                    HasSubstr("BACKUP_WEBHOOK_URL: no URL"), Not(HasSubstr("canary"))));
}

TEST_F(WebhookTest, OverTlsWithACaOfOnesOwn) {
  const TlsHttp tls;
  NotifyBasics basics = quick_basics();
  WebhookNotifier untrusting({.url = tls.url() + path}, basics);
  EXPECT_THAT(
      thrown_by([&] { untrusting.send(failed_event(), test.context()); }),
      AllOf(HasSubstr("certificate"), HasSubstr("BACKUP_NOTIFY_CA"), Not(HasSubstr("canary"))));
  basics.http.ca = tls.ca();
  WebhookNotifier trusting({.url = tls.url() + path}, basics);
  trusting.send(failed_event(), test.context());
  EXPECT_THAT(tls.received(), HasSubstr("\"event\": \"failed\""));
}

TEST(WebhookFormat, IsOneOfFour) {
  EXPECT_EQ(parse_webhook_format("Slack"), Format::kSlack);
  EXPECT_THAT(thrown_by([] { parse_webhook_format("teams"); }),
              AllOf(HasSubstr("BACKUP_WEBHOOK_FORMAT"), HasSubstr("ntfy")));
}

}  // namespace
}  // namespace pgstow::test
