#include "store/profile_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "harness/program.h"
#include "store/testing_sts.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class ProfileKeysTest : public ::testing::Test, protected KeyTest {
 protected:
  ProfileKeysTest() {
    on_service = sts_answers(services);
    variables["AWS_CONFIG_FILE"] = (temp_ / "config").native();
    variables["AWS_SHARED_CREDENTIALS_FILE"] = (temp_ / "credentials").native();
  }
  void config(const std::string& text) const { write_file(temp_ / "config", text); }
  void credentials(const std::string& text) const { write_file(temp_ / "credentials", text); }
  KeySource source() { return profile_keys(options_, tools()); }
  std::string error() {
    return thrown_text([&] { source().fetch(); });
  }

  const TempDir temp_;
  AwsCredentialOptions options_;
};

TEST_F(ProfileKeysTest, AreReadAgainForEachFetch) {
  credentials("[default]\naws_access_key_id=AKIA1\naws_secret_access_key=canary\n");
  const KeySource source = this->source();
  EXPECT_EQ(source.name, "profile 'default'");
  EXPECT_EQ(source.fetch().access_key_id, "AKIA1");
  credentials("[default]\naws_access_key_id=AKIA2\naws_secret_access_key=canary\n");
  EXPECT_EQ(source.fetch().access_key_id, "AKIA2");
  credentials("");
  EXPECT_THROW(source.fetch(), ConfigError);
}

TEST_F(ProfileKeysTest, MayNotBeThere) {
  EXPECT_FALSE(source().fetch);
  EXPECT_THAT(source().why_not, StartsWith("neither in /"));
  config("[default]\nregion=eu-west-1\n");
  EXPECT_EQ(source().why_not, "it says nothing about keys");
}

TEST_F(ProfileKeysTest, OfANamedProfileHaveToBe) {
  options_.profile = "work";
  EXPECT_THROW(source(), ConfigError);
  options_.profile = "";
  variables["AWS_PROFILE"] = "work";
  EXPECT_THROW(source(), ConfigError);
  config("[profile work]\nregion=eu-west-1\n");
  EXPECT_EQ(source().why_not, "it says nothing about keys");
}

TEST_F(ProfileKeysTest, OfARoleComeFromSts) {
  variables["AWS_PROFILE"] = "goal";
  credentials("[base]\naws_access_key_id=AKIAB\naws_secret_access_key=canary\n");
  config(
      "[profile hop]\nrole_arn=arn:hop\nsource_profile=base\n"
      "[profile goal]\nrole_arn=arn:goal\nsource_profile=hop\nregion=eu-west-1\n"
      "services=mine\n[services mine]\nsts=\n  endpoint_url=https://sts.example\n");
  EXPECT_EQ(source().fetch().access_key_id, "ASIA2");
  ASSERT_EQ(services.sent().size(), 2U);
  const SentRequest& hop = services.sent()[0];
  const SentRequest& goal = services.sent()[1];
  EXPECT_EQ(hop.url, "https://sts.example");
  EXPECT_THAT(form(hop), IsSupersetOf({Pair("Action", "AssumeRole"), Pair("RoleArn", "arn:hop")}));
  EXPECT_THAT(hop.headers.at("Authorization"),
              HasSubstr("Credential=AKIAB/20261122/eu-west-1/sts/"));
  EXPECT_THAT(form(goal), IsSupersetOf({Pair("RoleArn", "arn:goal")}));
  EXPECT_THAT(goal.headers.at("Authorization"), HasSubstr("Credential=ASIA1/"));
  EXPECT_EQ(goal.headers.at("x-amz-security-token"), "canary-token");
}

TEST_F(ProfileKeysTest, OfARoleMayBeginInTheEnvironment) {
  config("[default]\nrole_arn=arn:x\ncredential_source=Environment\n");
  EXPECT_THAT(error(), StartsWith("profile 'default': credential_source: environment: AWS_ACCESS"));
  variables["AWS_ACCESS_KEY_ID"] = "AKIAE";
  variables["AWS_SECRET_ACCESS_KEY"] = "canary";
  EXPECT_EQ(source().fetch().access_key_id, "ASIA1");
  EXPECT_THAT(services.sent()[0].headers.at("Authorization"), HasSubstr("Credential=AKIAE/"));
}

TEST_F(ProfileKeysTest, OfARoleMayBeginInAContainerOrAnInstance) {
  config("[default]\nrole_arn=arn:x\ncredential_source=EcsContainer\n");
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  on_direct = [](const SentRequest&) {
    return reply(200, json_keys("ASIAC", "2026-11-23T03:00:00Z"));
  };
  EXPECT_EQ(source().fetch().access_key_id, "ASIA1");
  EXPECT_THAT(services.sent()[0].headers.at("Authorization"), HasSubstr("Credential=ASIAC/"));
  config("[default]\nrole_arn=arn:x\ncredential_source=Ec2InstanceMetadata\n");
  on_direct = [](const SentRequest&) -> HttpReply { throw Transient("timed out"); };
  EXPECT_THAT(error(), StartsWith("profile 'default': instance metadata: timed out"));
}

TEST_F(ProfileKeysTest, ThatAreNotWhereTheProfileSaysAreNeverNone) {
  config("[default]\nrole_arn=arn:x\ncredential_source=Ec2InstanceMetadata\n");
  on_direct = [](const SentRequest&) { return reply(404); };
  bool goes_on = true;  // to the next place
  try {
    source().fetch();
  } catch (const Error& e) {
    goes_on = dynamic_cast<const NotFound*>(&e) != nullptr;
  }
  EXPECT_FALSE(goes_on);
}

TEST_F(ProfileKeysTest, MayComeForATokenFile) {
  write_file(temp_ / "token", "canary-jwt\n");
  config("[default]\nrole_arn=arn:x\nweb_identity_token_file=" + (temp_ / "token").native() + "\n");
  EXPECT_EQ(source().fetch().access_key_id, "ASIA1");
  EXPECT_THAT(form(services.sent()[0]), IsSupersetOf({Pair("Action", "AssumeRoleWithWebIdentity"),
                                                      Pair("WebIdentityToken", "canary-jwt")}));
}

TEST_F(ProfileKeysTest, MayComeFromAProgram) {
  write_file(temp_ / "keys.json", json_keys("ASIAP", "2026-11-23T03:00:00Z", "SessionToken"));
  config("[default]\ncredential_process = cat '" + (temp_ / "keys.json").native() + "'\n");
  EXPECT_EQ(source().fetch().access_key_id, "ASIAP");
  config("[default]\ncredential_process = cat /no/such/file\n");
  EXPECT_THAT(error(), AllOf(StartsWith("profile 'default': credential_process"),
                             HasSubstr("No such file or directory")));
}

TEST_F(ProfileKeysTest, ARefusedRoleShowsNoKeys) {
  on_service = [](const SentRequest&) { return sts_error(403, "AccessDenied"); };
  config(
      "[default]\nrole_arn=arn:x\nsource_profile=b\n"
      "[profile b]\naws_access_key_id=AKIAB\naws_secret_access_key=canary\n");
  EXPECT_THROW(source().fetch(), NotAllowed);
  EXPECT_THAT(error(), AllOf(HasSubstr("profile 'default': sts.amazonaws.com: assuming arn:x: "
                                       "AccessDenied"),
                             Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
