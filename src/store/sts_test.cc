#include "store/sts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "base/error.h"
#include "harness/sigv4.h"
#include "store/testing_sts.h"
#include "stream/sha256.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;

class StsTest : public ::testing::Test, protected KeyTest {
 protected:
  StsTest() { on_service = sts_answers(services); }

  AwsKeys assume() { return assume_role(role_, by_, place_, tools()); }
  AwsKeys assume_with_token(std::string_view token = "canary-jwt") {
    return assume_role_with_token(role_, token, place_, tools());
  }
  const SentRequest& last() const { return services.sent().back(); }

  Role role_{.arn = "arn:aws:iam::123456789012:role/backup",
             .session_name = {},
             .external_id = {},
             .duration = {}};
  AwsKeys by_{.access_key_id = "AKIA1",
              .secret_access_key = "canary-by",
              .session_token = "canary-by-token",
              .expires = {}};
  StsPlace place_{.url = "https://sts.eu-west-1.amazonaws.com", .region = "eu-west-1"};
};

TEST_F(StsTest, ARoleIsAssumedWithOtherKeys) {
  const AwsKeys keys = assume();
  EXPECT_EQ(keys.access_key_id, "ASIA1");
  EXPECT_EQ(keys.secret_access_key, "canary-secret");
  EXPECT_EQ(keys.session_token, "canary-token");
  EXPECT_EQ(keys.expires, test.clock.now() + std::chrono::hours(1));
  EXPECT_EQ(last().method, "POST");
  EXPECT_EQ(last().url, "https://sts.eu-west-1.amazonaws.com");
  EXPECT_THAT(form(last()), ::testing::UnorderedElementsAre(
                                Pair("Action", "AssumeRole"), Pair("Version", "2011-06-15"),
                                Pair("RoleArn", role_.arn), Pair("RoleSessionName", "pgstow")));
}

TEST_F(StsTest, WhatIsConfiguredOfTheRoleIsSent) {
  role_.session_name = "night@shop";
  role_.external_id = "a&b=c";
  role_.duration = std::chrono::hours(2);
  assume();
  EXPECT_THAT(form(last()),
              IsSupersetOf({Pair("RoleSessionName", "night@shop"), Pair("ExternalId", "a&b=c"),
                            Pair("DurationSeconds", "7200")}));
}

TEST_F(StsTest, TheRequestIsSignedForItsRegion) {
  place_.url = "https://sts.example:443/sts";
  assume();
  Signable request{.method = "POST",
                   .path = "/sts",
                   .query = "",
                   .headers = {{"host", "sts.example"}},
                   .payload_hash = sha256_hex(last().body),
                   .time = last().headers.at("x-amz-date"),
                   .region = "eu-west-1",
                   .service = "sts"};
  for (const auto& [name, value] : last().headers) {
    if (name != "Authorization") request.headers[lower(name)] = value;
  }
  EXPECT_EQ(last().headers.at("x-amz-security-token"), "canary-by-token");
  EXPECT_THAT(last().headers.at("Authorization"),
              AllOf(HasSubstr("AKIA1/20261122/eu-west-1/sts/aws4_request"),
                    HasSubstr("content-type;host;x-amz-date;x-amz-security-token"),
                    HasSubstr("Signature=" + signature(request, "canary-by"))));
}

TEST_F(StsTest, ATokenTakesTheSignaturesPlace) {
  EXPECT_EQ(assume_with_token("a+b/c=").access_key_id, "ASIA1");
  EXPECT_THAT(form(last()), IsSupersetOf({Pair("Action", "AssumeRoleWithWebIdentity"),
                                          Pair("WebIdentityToken", "a+b/c=")}));
  EXPECT_FALSE(last().headers.contains("Authorization"));
}

TEST_F(StsTest, KeysThatBreakAHeaderAreNotSent) {
  by_.session_token = "canary\r\nHost: evil.example";
  EXPECT_THAT(thrown_text([&] { assume(); }),
              AllOf(HasSubstr("line end"), Not(HasSubstr("canary"))));
  EXPECT_TRUE(services.sent().empty());
}

TEST_F(StsTest, RefusalsAreNamedByTheirCode) {
  on_service = [](const SentRequest&) { return sts_error(403, "AccessDenied"); };
  EXPECT_THROW(assume(), NotAllowed);
  EXPECT_THAT(
      thrown_text([&] { assume(); }),
      AllOf(HasSubstr("sts.eu-west-1.amazonaws.com: assuming arn:aws:iam::123456789012:role/"
                      "backup: AccessDenied"),
            HasSubstr("trust policy"), Not(HasSubstr("canary"))));
  EXPECT_EQ(services.sent().size(), 2U);
  on_service = [](const SentRequest&) { return sts_error(400, "ExpiredTokenException"); };
  EXPECT_THAT(thrown_text([&] { assume_with_token(); }),
              AllOf(HasSubstr("ExpiredTokenException"), Not(HasSubstr("canary"))));
}

TEST_F(StsTest, TroublesOfItsOwnMayPass) {
  on_service = [](const SentRequest&) { return sts_error(503, "ServiceUnavailable"); };
  EXPECT_THROW(assume(), Transient);
  EXPECT_EQ(services.sent().size(), 3U);
  for (const char* code : {"Throttling", "ThrottlingException", "IDPCommunicationError"}) {
    on_service = [&](const SentRequest&) { return sts_error(400, code); };
    EXPECT_THROW(assume_with_token(), Transient) << code;
  }
  on_service = [](const SentRequest&) -> HttpReply { throw Transient("no route"); };
  EXPECT_THROW(assume(), Transient);
}

TEST_F(StsTest, WhatItSaysIsNotTrusted) {
  const std::string huge(300'000, 'x');
  for (const std::string& body :
       {std::string(), std::string("canary"), std::string("<html><body>canary</body></html>"),
        "<a>" + huge + "canary</a>", std::string("<!DOCTYPE x><AssumeRoleResponse/>"),
        sts_reply("Other", "canary").body, sts_reply("AssumeRole", "canary", "canary").body,
        sts_reply("AssumeRole", "canary\r\nX: y").body, sts_reply("AssumeRole", "").body}) {
    on_service = [&](const SentRequest&) { return reply(200, body); };
    EXPECT_THAT(thrown_text([&] { assume(); }),
                AllOf(HasSubstr("assuming arn:"), Not(HasSubstr("canary"))));
  }
}

TEST_F(StsTest, ARefusalThatCanNotBeReadIsNamedByItsStatus) {
  for (const std::string& body :
       {std::string("canary"), sts_error(400, "canary canary").body,
        sts_error(400, std::string(65, 'x')).body, sts_error(400, "").body}) {
    on_service = [&](const SentRequest&) { return reply(400, body); };
    EXPECT_THAT(thrown_text([&] { assume(); }),
                AllOf(HasSubstr(": status 400"), Not(HasSubstr("canary"))));
  }
}

class StsPlaceTest : public ::testing::Test, protected KeyTest {
 protected:
  std::string url(const std::string& region) {
    return sts_place({.keys = {}, .profile = {}, .region = region}, environment(), {}).url;
  }
};

TEST_F(StsPlaceTest, IsTheRegionsOwn) {
  EXPECT_EQ(url("eu-west-1"), "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(url("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(url(""), "https://sts.amazonaws.com");
  EXPECT_EQ(sts_place({}, environment(), {}).region, "us-east-1");
}

TEST_F(StsPlaceTest, OrTheConfiguredOne) {
  variables["AWS_ENDPOINT_URL_STS"] = "http://sts.test:9000";
  EXPECT_EQ(url("eu-west-1"), "http://sts.test:9000");
  EXPECT_EQ(sts_place({}, environment(), {}).region, "us-east-1");
  variables["AWS_REGION"] = "eu-west-1";
  EXPECT_EQ(sts_place({}, environment(), {}).region, "eu-west-1");
}

}  // namespace
}  // namespace pgstow::test
