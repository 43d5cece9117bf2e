#include "store/aws_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "harness/program.h"
#include "store/testing_sts.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kLater = "2026-11-22T22:05:28Z";

// A host where nothing is configured and no metadata service answers.
class AwsCredentialsTest : public ::testing::Test, protected KeyTest {
 protected:
  AwsCredentialsTest() {
    variables["HOME"] = temp_.path().native();
    on_service = [](const SentRequest&) {
      return sts_reply("AssumeRoleWithWebIdentity", "web", kLater);
    };
  }

  std::string id() { return aws_credentials(options_, tools())->keys().access_key_id; }
  std::string error() {
    return thrown_text([&] { id(); });
  }

  void settings() {
    options_.keys = AwsKeys{.access_key_id = "explicit",
                            .secret_access_key = "canary",
                            .session_token = {},
                            .expires = {}};
  }
  void environment_variables() {
    variables["AWS_ACCESS_KEY_ID"] = "environment";
    variables["AWS_SECRET_ACCESS_KEY"] = "canary";
  }
  void web_identity() {
    write_file(temp_ / "token", "canary");
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = (temp_ / "token").native();
    variables["AWS_ROLE_ARN"] = "arn:x";
  }
  void profile(const std::string& name = "default") {
    write_file(temp_ / "credentials",
               "[" + name + "]\naws_access_key_id=profile\naws_secret_access_key=canary\n");
    variables["AWS_SHARED_CREDENTIALS_FILE"] = (temp_ / "credentials").native();
  }
  void container() {
    variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/container";
    answer();
  }
  void instance() {
    has_instance_ = true;
    answer();
  }
  void answer() {
    on_direct = [this](const SentRequest& request) -> HttpReply {
      if (request.url.ends_with("/container")) return reply(200, json_keys("container", kLater));
      if (!has_instance_) throw Transient("no route");
      if (request.method == "PUT") return reply(200, "canary-imds");
      if (request.url.ends_with("/role")) return reply(200, json_keys("instance", kLater));
      return reply(200, "role");
    };
  }

  const TempDir temp_;
  AwsCredentialOptions options_;
  bool has_instance_ = false;
};

TEST_F(AwsCredentialsTest, TheFirstPlaceThatHasKeysWins) {
  instance();
  EXPECT_EQ(id(), "instance");
  container();
  EXPECT_EQ(id(), "container");
  profile();
  EXPECT_EQ(id(), "profile");
  web_identity();
  EXPECT_EQ(id(), "web");
  environment_variables();
  EXPECT_EQ(id(), "environment");
  settings();
  EXPECT_EQ(id(), "explicit");
}

TEST_F(AwsCredentialsTest, AProfileOfOurSettingsCountsBeforeTheEnvironment) {
  environment_variables();
  web_identity();
  profile("work");
  options_.profile = "work";
  EXPECT_EQ(id(), "profile");
  settings();
  EXPECT_EQ(id(), "explicit");
}

TEST_F(AwsCredentialsTest, AProfileOfTheEnvironmentDoesNot) {
  environment_variables();
  variables["AWS_PROFILE"] = "missing";
  EXPECT_EQ(id(), "environment");
}

TEST_F(AwsCredentialsTest, WhereThereAreNoneAllPlacesAreNamed) {
  EXPECT_THROW(id(), ConfigError);
  EXPECT_THAT(
      error(),
      AllOf(StartsWith("no AWS keys found: settings: no keys in them; environment: AWS_ACCESS_KEY"),
            HasSubstr("; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile 'default': "
                      "neither in " +
                      temp_.path().native()),
            HasSubstr("; container credentials: AWS_CONTAINER"),
            HasSubstr("; instance metadata: no route"), HasSubstr("| set an access key id")));
  options_.profile = "work";
  write_file(temp_ / "config", "[profile work]\nregion=r\n");
  variables["AWS_CONFIG_FILE"] = (temp_ / "config").native();
  EXPECT_THAT(error(), AllOf(HasSubstr("environment: passed over for the named profile"),
                             HasSubstr("profile 'work': it says nothing about keys")));
}

TEST_F(AwsCredentialsTest, AWrongPlaceIsNotPassedOver) {
  instance();
  variables["AWS_ACCESS_KEY_ID"] = "canary";
  EXPECT_THAT(error(), AllOf(StartsWith("environment: "), Not(HasSubstr("canary"))));
  variables = {{"AWS_PROFILE", "missing"}, {"HOME", temp_.path().native()}};
  EXPECT_THAT(error(), StartsWith("profile 'missing': neither in"));
  variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/"}};
  EXPECT_THAT(error(), StartsWith("AWS_CONTAINER_CREDENTIALS_FULL_URI: "));
}

TEST_F(AwsCredentialsTest, AWrongPlaceDoesNotMatterAfterTheRightOne) {
  environment_variables();
  variables["AWS_PROFILE"] = "missing";
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/";
  EXPECT_EQ(id(), "environment");
}

TEST_F(AwsCredentialsTest, KeysThatBreakAHeaderAreRefusedWhereverTheyAreFrom) {
  const std::vector<std::pair<std::string, std::function<void()>>> places{
      {"settings: ",
       [this] {
         settings();
         options_.keys->secret_access_key = "canary\r\nHost: evil.example";
       }},
      {"environment: ",
       [this] {
         options_.keys.reset();
         variables["AWS_ACCESS_KEY_ID"] = "canary\n";
         variables["AWS_SECRET_ACCESS_KEY"] = "canary";
       }},
      {"profile 'default': ",
       [this] {
         variables = {{"AWS_SHARED_CREDENTIALS_FILE", (temp_ / "c").native()}};
         write_file(temp_ / "c",
                    "[default]\naws_access_key_id=canary\n canary\naws_secret_access_key=canary\n");
       }},
      {"container credentials: ", [this] {
         container();
         variables.erase("AWS_SHARED_CREDENTIALS_FILE");
         on_direct = [](const SentRequest&) {
           return reply(200, json_keys("canary\\nX: y", kLater));
         };
       }}};
  for (const auto& [name, set_up] : places) {
    set_up();
    EXPECT_THAT(error(), AllOf(StartsWith(name), HasSubstr("line end"), Not(HasSubstr("canary"))));
  }
}

TEST_F(AwsCredentialsTest, AreFetchedAgainFromTheSamePlaceBeforeTheyExpire) {
  container();
  const auto credentials = aws_credentials(options_, tools());
  EXPECT_EQ(credentials->keys().access_key_id, "container");
  environment_variables();
  test.clock.advance(std::chrono::minutes(58));
  EXPECT_EQ(credentials->keys().access_key_id, "container");
  EXPECT_EQ(direct.sent().size(), 2U);
}

TEST_F(AwsCredentialsTest, APlaceThatFallsSilentMayComeBack) {
  instance();
  const auto credentials = aws_credentials(options_, tools());
  EXPECT_EQ(credentials->keys().access_key_id, "instance");
  has_instance_ = false;
  test.clock.advance(std::chrono::hours(2));
  EXPECT_THROW(credentials->keys(), Transient);
  has_instance_ = true;
  EXPECT_EQ(credentials->keys().access_key_id, "instance");
}

TEST_F(AwsCredentialsTest, KeysThatAServerRefusedAreLookedUpAgain) {
  profile();
  const auto credentials = aws_credentials(options_, tools());
  const AwsKeys old = credentials->keys();
  EXPECT_FALSE(credentials->renew(old));
  write_file(temp_ / "credentials",
             "[default]\naws_access_key_id=fresh\naws_secret_access_key=canary\n");
  EXPECT_TRUE(credentials->renew(old));
  EXPECT_EQ(credentials->keys().access_key_id, "fresh");
}

TEST_F(AwsCredentialsTest, TheLogNamesThePlaceAndNoKeys) {
  environment_variables();
  id();
  EXPECT_THAT(test.logged(), AllOf(HasSubstr("AWS keys found"), HasSubstr("environment"),
                                   Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
