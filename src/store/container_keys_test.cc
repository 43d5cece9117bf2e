#include "store/container_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "harness/program.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ContainerKeysTest : public ::testing::Test, protected KeyTest {
 protected:
  ContainerKeysTest() {
    on_direct = [this](const SentRequest&) {
      return reply(
          200, json_keys("AKIA" + std::to_string(direct.sent().size()), "2026-11-23T03:00:00Z"));
    };
  }
  AwsKeys fetch() { return container_keys(tools()).fetch(); }
  const SentRequest& last() const { return direct.sent().back(); }
};

TEST_F(ContainerKeysTest, AreNotThereWithoutVariables) {
  const KeySource source = container_keys(tools());
  EXPECT_FALSE(source.fetch);
  EXPECT_THAT(source.why_not, HasSubstr("are not set"));
}

TEST_F(ContainerKeysTest, ComeFromTheAgentOfEcs) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/uuid?x=1";
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/";  // the other one wins
  const AwsKeys keys = fetch();
  EXPECT_EQ(keys.access_key_id, "AKIA1");
  EXPECT_EQ(keys.session_token, "canary-token");
  EXPECT_TRUE(keys.expires);
  EXPECT_EQ(last().method, "GET");
  EXPECT_EQ(last().url, "http://169.254.170.2/v2/credentials/uuid?x=1");
  EXPECT_FALSE(last().headers.contains("Authorization"));
}

TEST_F(ContainerKeysTest, RelativeIsAPathAndNoHost) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "@evil.example/";
  EXPECT_THROW(fetch(), ConfigError);
}

TEST_F(ContainerKeysTest, TheTokenFileIsReadEachTimeAndWins) {
  const TempDir temp;
  write_file(temp / "token", "first\n");
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Bearer plain";
  const KeySource source = container_keys(tools());
  EXPECT_EQ(source.fetch().access_key_id, "AKIA1");
  EXPECT_EQ(last().headers.at("Authorization"), "Bearer plain");
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (temp / "token").native();
  EXPECT_EQ(source.fetch().access_key_id, "AKIA2");
  EXPECT_EQ(last().headers.at("Authorization"), "first");
  write_file(temp / "token", "second");
  EXPECT_EQ(source.fetch().access_key_id, "AKIA3");
  EXPECT_EQ(last().headers.at("Authorization"), "second");
}

TEST_F(ContainerKeysTest, ATokenThatWouldBreakItsHeaderIsRefused) {
  const TempDir temp;
  write_file(temp / "token", "canary\r\nHost: evil.example");
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost:80/";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (temp / "token").native();
  EXPECT_THAT(thrown_text([&] { fetch(); }),
              AllOf(HasSubstr("line end"), Not(HasSubstr("canary"))));
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (temp / "none").native();
  EXPECT_THROW(fetch(), ConfigError);
  EXPECT_TRUE(direct.sent().empty());
}

TEST_F(ContainerKeysTest, HttpsGoesTheWayOfServices) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "https://keys.example/v1";
  on_service = [](const SentRequest&) {
    return reply(200, json_keys("AKIAS", "2026-11-23T03:00:00Z"));
  };
  EXPECT_EQ(fetch().access_key_id, "AKIAS");
  EXPECT_TRUE(direct.sent().empty());
}

TEST_F(ContainerKeysTest, AnAgentThatFailsIsAskedThreeTimesOneThatRefusesOnce) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  on_direct = [](const SentRequest&) { return reply(500, "canary"); };
  EXPECT_THROW(fetch(), Transient);
  EXPECT_EQ(direct.sent().size(), 3U);
  on_direct = [](const SentRequest&) { return reply(403, "canary"); };
  EXPECT_THAT(thrown_text([&] { fetch(); }),
              AllOf(HasSubstr("status 403"), Not(HasSubstr("canary"))));
  EXPECT_EQ(direct.sent().size(), 4U);
}

TEST(MayAskForKeys, OnlyWhereNobodyListens) {
  for (const char* url :
       {"http://127.0.0.1/", "http://127.9.8.7:8080/x", "http://localhost", "http://[::1]:80/x",
        "http://169.254.170.2/", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1",
        "HTTPS://keys.example/x", "https://10.0.0.1:8443"}) {
    EXPECT_TRUE(may_ask_for_keys(url)) << url;
  }
  for (const char* url :
       {"http://10.0.0.1/", "http://keys.example/", "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:80@evil.example/", "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/", "http://169.254.170.254/", "http://[::2]/", "http://[::1",
        "http:///x", "ftp://127.0.0.1/", "127.0.0.1", "", "http://127.0.0.1\\@evil.example/",
        "http://2130706433/", "https://user:pw@keys.example/", "http://127.0.0.1:x/",
        "http://127.1/"}) {
    EXPECT_FALSE(may_ask_for_keys(url)) << url;
  }
}

}  // namespace
}  // namespace pgstow::test
