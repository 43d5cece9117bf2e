#include "store/key_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "base/error.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

AwsKeys parsed(std::string_view text) { return parse_json_keys(text, "Token", "the agent"); }

TEST(JsonKeys, AreRead) {
  const AwsKeys keys = parsed(json_keys("AKIA1", "2026-11-22T22:05:28Z"));
  EXPECT_EQ(keys.access_key_id, "AKIA1");
  EXPECT_EQ(keys.secret_access_key, "canary-secret");
  EXPECT_EQ(keys.session_token, "canary-token");
  EXPECT_EQ(keys.expires, ManualClock().now() + std::chrono::hours(1));
}

TEST(JsonKeys, NeedNoTokenAndNoEnd) {
  for (const char* text :
       {R"({"AccessKeyId":"A","SecretAccessKey":"S"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"S","Token":null,"Expiration":""})"}) {
    const AwsKeys keys = parsed(text);
    EXPECT_EQ(keys.session_token, "");
    EXPECT_FALSE(keys.expires);
  }
}

TEST(JsonKeys, ThatAreWrongAreErrorsWithoutTheirText) {
  for (const char* text :
       {"", "canary", "[]", R"({"AccessKeyId":"canary"})",
        R"({"AccessKeyId":1,"SecretAccessKey":"canary"})",
        R"({"AccessKeyId":"canary","SecretAccessKey":"canary","Expiration":"canary"})",
        R"({"AccessKeyId":"canary","SecretAccessKey":"canary","Token":7})"}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(thrown_text([&] { parsed(text); }),
                AllOf(HasSubstr("the agent: "), Not(HasSubstr("canary"))));
    EXPECT_THROW(parsed(text), Error);
  }
}

TEST(AwsKeys, AreCheckedBeforeTheyGoIntoAHeader) {
  const auto text = [](std::string id, std::string secret, std::string token) {
    return thrown_text([&] {
      check_keys(
          {.access_key_id = id, .secret_access_key = secret, .session_token = token, .expires = {}},
          "environment");
    });
  };
  EXPECT_EQ(text("AKIA1", "se/cr+et=", "to/ken=="), "nothing was thrown");
  EXPECT_EQ(text("", "canary", ""), "environment: the access key id is empty");
  EXPECT_EQ(text("AKIA1", "", ""), "environment: the secret key is empty");
  EXPECT_THAT(text("AKIA1", "canary\r", ""),
              AllOf(HasSubstr("the secret key has"), Not(HasSubstr("canary"))));
  EXPECT_THAT(text("AKIA1 ", "s", ""), HasSubstr("the access key id has"));
  EXPECT_THAT(text("AKIA1", "s", "canary\nHost: x"),
              AllOf(HasSubstr("the session token has"), Not(HasSubstr("canary"))));
}

TEST(SendPatiently, TriesAgainWhatMayPass) {
  KeyTest t;
  int calls = 0;
  t.on_service = [&](const SentRequest&) {
    ++calls;
    if (calls == 1) throw Transient("reset");
    return reply(calls == 2 ? 503 : 200, "done");
  };
  const Time start = t.test.clock.now();
  EXPECT_EQ(send_patiently(t.services.send(), {}, 3, t.test.context()).body, "done");
  EXPECT_GT(t.test.clock.now(), start);
  calls = 0;
  EXPECT_EQ(send_patiently(t.services.send(), {}, 2, t.test.context()).status, 503);
  calls = 0;
  EXPECT_THROW(send_patiently(t.services.send(), {}, 1, t.test.context()), Transient);
}

TEST(SendPatiently, TakesARefusalForAnAnswerAndStopsWhenAsked) {
  KeyTest t;
  t.on_service = [](const SentRequest&) { return reply(403); };
  EXPECT_EQ(send_patiently(t.services.send(), {}, 3, t.test.context()).status, 403);
  EXPECT_EQ(t.services.sent().size(), 1U);
  t.on_service = [](const SentRequest&) { return reply(500); };
  t.test.stop.request_stop();
  EXPECT_THROW(send_patiently(t.services.send(), {}, 3, t.test.context()), Cancelled);
}

TEST(HttpReply, FindsHeadersWhateverTheirCase) {
  const HttpReply answer{.status = 200, .headers = {{"ETag", "1"}, {"etag", "2"}}, .body = {}};
  EXPECT_EQ(answer.header("etag"), "1");
  EXPECT_EQ(answer.header("Date"), std::nullopt);
}

}  // namespace
}  // namespace pgstow::test
