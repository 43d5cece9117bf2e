#include "store/instance_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A metadata service as EC2 has it, which the tests then spoil.
class InstanceKeysTest : public ::testing::Test, protected KeyTest {
 protected:
  InstanceKeysTest() {
    on_direct = [this](const SentRequest& request) { return service(request); };
  }
  HttpReply service(const SentRequest& request) const {
    if (request.method == "PUT" && request.url == base_ + "/latest/api/token" &&
        request.headers.at("X-aws-ec2-metadata-token-ttl-seconds") == "21600") {
      return reply(token_status_, "canary-imds");
    }
    const auto token = request.headers.find("X-aws-ec2-metadata-token");
    if (token == request.headers.end() || token->second != "canary-imds") return reply(401);
    if (request.url == base_ + roles_) return reply(role_.empty() ? 404 : 200, role_);
    if (request.url == base_ + roles_ + "backup-role") return reply(keys_status_, keys_);
    return reply(404);
  }
  AwsKeys fetch() { return instance_keys(tools()).fetch(); }

  std::string base_ = "http://169.254.169.254";
  const std::string roles_ = "/latest/meta-data/iam/security-credentials/";
  std::string role_ = "backup-role\n";
  int token_status_ = 200;
  int keys_status_ = 200;
  std::string keys_ = json_keys("ASIA1", "2026-11-23T03:00:00Z");
};

TEST_F(InstanceKeysTest, ComeByATokenAndTheRolesName) {
  const AwsKeys keys = fetch();
  EXPECT_EQ(keys.access_key_id, "ASIA1");
  EXPECT_EQ(keys.session_token, "canary-token");
  EXPECT_EQ(direct.sent().size(), 3U);
  EXPECT_TRUE(services.sent().empty());
}

TEST_F(InstanceKeysTest, LieWhereTheVariablesSay) {
  base_ = "http://[fd00:ec2::254]";
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv6";
  EXPECT_EQ(fetch().access_key_id, "ASIA1");
  base_ = "http://127.0.0.1:1338";
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338/";
  EXPECT_EQ(fetch().access_key_id, "ASIA1");
}

TEST_F(InstanceKeysTest, CanBeDisabled) {
  variables["AWS_EC2_METADATA_DISABLED"] = "True";
  const KeySource source = instance_keys(tools());
  EXPECT_FALSE(source.fetch);
  EXPECT_EQ(source.why_not, "AWS_EC2_METADATA_DISABLED is true");
}

TEST_F(InstanceKeysTest, NoAnswerIsNoInstanceAndAskedOnce) {
  on_direct = [](const SentRequest&) -> HttpReply { throw Transient("connect: timed out"); };
  EXPECT_THAT(thrown_text([&] { fetch(); }),
              AllOf(HasSubstr("connect: timed out"), HasSubstr("hop limit")));
  EXPECT_THROW(fetch(), NotFound);
  EXPECT_EQ(direct.sent().size(), 2U);
}

TEST_F(InstanceKeysTest, Version1IsNeverUsed) {
  for (const int status : {403, 404, 405}) {
    token_status_ = status;
    EXPECT_THROW(fetch(), NotFound);
  }
  EXPECT_EQ(direct.sent().size(), 3U);
}

TEST_F(InstanceKeysTest, ACaptivePortalIsNoMetadataService) {
  on_direct = [](const SentRequest&) { return reply(200, "<html>log in first\n</html>"); };
  EXPECT_THROW(fetch(), NotFound);
}

TEST_F(InstanceKeysTest, AnInstanceMayHaveNoRole) {
  role_ = "";
  EXPECT_THROW(fetch(), NotFound);
  EXPECT_THAT(thrown_text([&] { fetch(); }), HasSubstr("the instance has no role"));
}

TEST_F(InstanceKeysTest, AServiceThatFailsAfterItsTokenIsAskedAgain) {
  keys_status_ = 503;
  EXPECT_THROW(fetch(), Transient);
  EXPECT_EQ(direct.sent().size(), 5U);
  keys_status_ = 403;
  EXPECT_THAT(thrown_text([&] { fetch(); }), HasSubstr("status 403"));
}

TEST_F(InstanceKeysTest, WhatItSaysIsNotTrusted) {
  role_ = "../../user-data";
  EXPECT_THAT(thrown_text([&] { fetch(); }), HasSubstr("no name"));
  role_ = "backup-role";
  keys_ = R"({"Code":"Failed","Message":"canary"})";
  EXPECT_THAT(thrown_text([&] { fetch(); }),
              AllOf(HasSubstr("AccessKeyId is missing"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
