#include "daemon/notify_telegram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <boost/json.hpp>

#include "base/json.h"
#include "daemon/testing_notify.h"
#include "daemon/text_limits.h"
#include "harness/ports.h"
#include "harness/scripted_http.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = "123456:canary-Token_0123456789";

S3Reply json_reply(int status, std::string body) {
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = body};
}

class TelegramTest : public ::testing::Test {
 protected:
  TelegramSettings settings() const {
    return {.token = kToken, .chat = "-100123", .thread = "", .api = http.url()};
  }
  void send(const Event& event, const TelegramSettings& to) {
    TelegramNotifier notifier(to, quick_basics());
    notifier.send(event, test.context());
  }
  std::string failure(const Event& event = failed_event()) {
    return thrown_by([&] { send(event, settings()); });
  }
  boost::json::object sent(std::size_t n = 0) const {
    return parse_json_object(http.calls().at(n).body, "body");
  }
  std::chrono::milliseconds waited() const { return test.clock.now() - began; }

  ScriptedHttp http{json_reply(200, R"({"ok":true,"result":{"message_id":1}})")};
  TestContext test;
  const Time began = test.clock.now();
};

TEST_F(TelegramTest, SendsOneMessage) {
  TelegramSettings to = settings();
  to.thread = "7";
  send(failed_event(), to);
  ASSERT_EQ(http.calls().size(), 1U);
  const HttpCall call = http.calls()[0];
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.path, std::string("/bot") + kToken + "/sendMessage");
  EXPECT_EQ(call.header("content-type"), "application/json");
  const boost::json::object body = sent();
  EXPECT_EQ(body.at("chat_id").as_int64(), -100123);
  EXPECT_EQ(body.at("message_thread_id").as_int64(), 7);
  EXPECT_EQ(body.at("parse_mode").as_string(), "HTML");
  EXPECT_FALSE(body.at("disable_notification").as_bool());
  EXPECT_THAT(std::string(body.at("text").as_string()),
              AllOf(HasSubstr("<b>Backup of shop on db1 FAILED</b>\nWhy: pg_dump: exit status 1"),
                    HasSubstr("Last good backup: 2026-11-21 03:00:00 +00:00 (33 h 0 min ago)")));
}

TEST_F(TelegramTest, GoodNewsIsSilent) {
  send(good_event(), settings());
  send(good_event(Event::Kind::kRecovered), settings());
  send(event_of(Event::Kind::kStale), settings());
  send(event_of(Event::Kind::kTest), settings());
  EXPECT_TRUE(sent(0).at("disable_notification").as_bool());
  EXPECT_TRUE(sent(1).at("disable_notification").as_bool());
  EXPECT_FALSE(sent(2).at("disable_notification").as_bool());
  EXPECT_FALSE(sent(3).at("disable_notification").as_bool());
}

TEST_F(TelegramTest, AChannelIsAName) {
  TelegramSettings to = settings();
  to.chat = "@backups";
  to.api += "/own/";
  send(good_event(), to);
  EXPECT_EQ(sent().at("chat_id").as_string(), "@backups");
  EXPECT_THAT(http.calls()[0].path, ::testing::StartsWith("/own/bot123456:"));
}

TEST_F(TelegramTest, NamesCanBringNoMarkup) {
  Event event = failed_event();
  event.database = "<a href='x'>&shop</a>\n<b>";
  send(event, settings());
  const std::string text(sent().at("text").as_string());
  EXPECT_THAT(text,
              HasSubstr("&lt;a href='x'&gt;&amp;shop&lt;/a&gt;\\n&lt;b&gt; on db1 FAILED</b>"));
}

TEST_F(TelegramTest, WaitsAsLongAsItIsAsked) {
  http.then(json_reply(429, R"({"ok":false,"error_code":429,"description":"Too Many Requests",
                               "parameters":{"retry_after":37}})"));
  send(failed_event(), settings());
  EXPECT_EQ(http.calls().size(), 2U);
  EXPECT_EQ(waited(), std::chrono::seconds(37));
}

TEST_F(TelegramTest, GivesUpWhenItIsAskedToWaitForHours) {
  http.then(json_reply(429, R"({"ok":false,"description":"Too Many Requests: retry after 7200",
                               "parameters":{"retry_after":7200}})"));
  EXPECT_THAT(failure(), HasSubstr("telegram: status 429: Too Many Requests: retry after 7200"));
  EXPECT_EQ(http.calls().size(), 1U);
  EXPECT_EQ(waited(), std::chrono::seconds(0));
}

TEST_F(TelegramTest, AServerThatFailsIsAskedAgainForMinutesOnly) {
  for (int i = 0; i < 100; ++i) http.then({.status = 502, .headers = {}, .body = "bad gateway"});
  EXPECT_THAT(failure(), HasSubstr("telegram: status 502: bad gateway"));
  EXPECT_EQ(http.calls().size(), 8U);
  EXPECT_LE(waited(), std::chrono::minutes(3));
  EXPECT_GE(waited(), std::chrono::minutes(1));
}

TEST_F(TelegramTest, FollowsAGroupToItsNewNumber) {
  http.then(json_reply(400, R"({"ok":false,"error_code":400,
      "description":"Bad Request: group chat was upgraded to a supergroup chat",
      "parameters":{"migrate_to_chat_id":-1009999999999}})"));
  TelegramNotifier notifier(settings(), quick_basics());
  notifier.send(failed_event(), test.context());
  notifier.send(good_event(), test.context());
  ASSERT_EQ(http.calls().size(), 3U);
  EXPECT_EQ(sent(1).at("chat_id").as_int64(), -1009999999999);
  EXPECT_EQ(sent(2).at("chat_id").as_int64(), -1009999999999);
  EXPECT_THAT(test.logged(), HasSubstr("set BACKUP_TELEGRAM_CHAT=-1009999999999"));
}

TEST_F(TelegramTest, WhatIsWrongIsSaidOnce) {
  const std::string migrated =
      R"({"ok":false,"description":"upgraded","parameters":{"migrate_to_chat_id":-5}})";
  struct Case {
    int status;
    std::string body;
    std::string text;
  };
  for (const Case& one : {
           Case{400, R"({"ok":false,"description":"Bad Request: chat not found"})",
                "chat not found | write to the bot first"},
           Case{401, R"({"ok":false,"description":"Unauthorized"})",
                "Unauthorized | BACKUP_TELEGRAM_TOKEN"},
           Case{403, R"({"ok":false,"description":"Forbidden: bot was blocked by the user"})",
                "blocked by the user | let the bot"},
           Case{200, "<html>log in first</html>", "status 200: <html>log in first"},
           Case{200, R"({"ok":"yes"})", "status 200"},
           Case{301, "", "status 301"},
       }) {
    http.then(json_reply(one.status, one.body));
    const std::size_t before = http.calls().size();
    EXPECT_THAT(failure(), HasSubstr(one.text));
    EXPECT_EQ(http.calls().size(), before + 1) << one.text;
  }
  http.then(json_reply(400, migrated)).then(json_reply(400, migrated));
  EXPECT_THAT(failure(), HasSubstr("upgraded"));  // and no circle
}

TEST_F(TelegramTest, ARedirectIsNotFollowed) {
  ScriptedHttp other;
  http.then(
      {.status = 302, .headers = {{"location", other.url() + "/bot" + kToken + "/x"}}, .body = {}});
  EXPECT_THAT(failure(), AllOf(HasSubstr("a redirect to http://127.0.0.1, which is not followed"),
                               Not(HasSubstr("canary"))));
  EXPECT_TRUE(other.calls().empty());
}

// Whatever the network and the server do, and whatever they echo.
TEST_F(TelegramTest, TheTokenIsInNoErrorAndNoLog) {
  const std::string echo =
      std::string("https://x/bot") + kToken + "/sendMessage and canary-Token_0123456789";
  http.then(json_reply(400, R"({"ok":false,"description":")" + echo + "\"}"));
  std::string seen = failure();
  http.then({.status = 404, .headers = {}, .body = echo});
  seen += failure();
  http.then_reset();
  send(failed_event(), settings());
  TelegramSettings nobody = settings();
  nobody.api = "http://127.0.0.1:" + std::to_string(free_port());
  seen += thrown_by([&] { send(failed_event(), nobody); });
  nobody.api = std::string("nonsense://") + kToken;
  seen += thrown_by([&] { send(failed_event(), nobody); });
  nobody.token = "canary token";
  seen += thrown_by([&] { send(failed_event(), nobody); });
  EXPECT_THAT(seen, AllOf(HasSubstr("***"), HasSubstr("onnect"), HasSubstr("BACKUP_TELEGRAM_API"),
                          Not(HasSubstr("canary"))));
  EXPECT_THAT(test.logged(), AllOf(HasSubstr("tried again"), Not(HasSubstr("canary"))));
}

TEST_F(TelegramTest, AServerThatSaysNothingIsGivenUp) {
  http.then_stall();
  NotifyBasics basics = quick_basics();
  basics.patience.attempts = 1;
  TelegramNotifier notifier(settings(), basics);
  EXPECT_THROW(notifier.send(failed_event(), test.context()), Transient);
}

TEST_F(TelegramTest, WrongSettingsAreNamed) {
  const auto with = [&](auto change) {
    TelegramSettings wrong = settings();
    change(wrong);
    return thrown_by([&] { TelegramNotifier(wrong, quick_basics()); });
  };
  EXPECT_THAT(with([](auto& s) { s.chat = ""; }), HasSubstr("BACKUP_TELEGRAM_CHAT is not"));
  EXPECT_THAT(with([](auto& s) { s.chat = "family"; }),
              HasSubstr("BACKUP_TELEGRAM_CHAT: \"family\""));
  EXPECT_THAT(with([](auto& s) { s.thread = "x"; }), HasSubstr("BACKUP_TELEGRAM_THREAD"));
  EXPECT_THAT(with([](auto& s) { s.token = "12:a/../b"; }), HasSubstr("BACKUP_TELEGRAM_TOKEN"));
  EXPECT_THAT(with([](auto& s) { s.api = "api.telegram.org"; }), HasSubstr("BACKUP_TELEGRAM_API"));
}

TEST(TelegramHtml, CutsByUnitsBeforeItEscapes) {
  const std::string html = telegram_html(std::string(3000, '<') + std::string(3000, '&'));
  EXPECT_EQ(
      html, "<b>" + [] {
        std::string text;
        for (int i = 0; i < 3000; ++i) text += "&lt;";
        for (int i = 0; i < 1095; ++i) text += "&amp;";
        return text;
      }() + "…</b>");
  EXPECT_EQ(telegram_html("a\nb\nc"), "<b>a</b>\nb\nc");
}

TEST(TelegramReply, AnyBytesAreRead) {
  EXPECT_EQ(parse_telegram_reply(R"({"parameters":{"retry_after":-5}})").retry_after.count(), 0);
  EXPECT_EQ(parse_telegram_reply(R"({"parameters":{"retry_after":9223372036854775807}})")
                .retry_after.count(),
            86'400);
  EXPECT_FALSE(parse_telegram_reply(std::string(100'000, '[')).ok);
  EXPECT_TRUE(
      rc::check([](const std::string& text) { RC_ASSERT(!parse_telegram_reply(text).ok); }));
}

}  // namespace
}  // namespace pgstow::test
