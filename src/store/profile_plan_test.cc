#include "store/profile_plan.h"

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
using ::testing::StartsWith;

ProfilePlan plan(std::string_view text, const std::string& name = "default") {
  const AwsFiles files{.config = "/c",
                       .credentials = "/s",
                       .content = parse_aws_config(text, "config", AwsFileKind::kConfig)};
  return plan_for_profile(name, files);
}

std::string error_of(std::string_view text, const std::string& name = "default") {
  return thrown_text([&] { static_cast<void>(plan(text, name)); });
}

constexpr const char* kKeys = "aws_access_key_id=AKIA1\naws_secret_access_key=canary\n";

TEST(ProfilePlan, MayBeginWithKeys) {
  const ProfilePlan found = plan(std::string("[default]\naws_session_token=t\n") + kKeys);
  EXPECT_EQ(std::get<AwsKeys>(found.first).access_key_id, "AKIA1");
  EXPECT_EQ(std::get<AwsKeys>(found.first).session_token, "t");
  EXPECT_TRUE(found.roles.empty());
}

TEST(ProfilePlan, MayBeginWithAProgram) {
  EXPECT_EQ(std::get<CommandLine>(plan("[default]\ncredential_process=a 'b c'\n").first).text,
            "a 'b c'");
  // As it is with `aws configure export-credentials`.
  EXPECT_EQ(
      plan("[default]\nsso_session=x\nsso_account_id=1\ncredential_process=a\n").first.index(), 3U);
}

TEST(ProfilePlan, MayBeNone) { EXPECT_EQ(plan("[default]\nregion=eu-west-1\n").first.index(), 0U); }

TEST(ProfilePlan, FollowsRolesToTheirSource) {
  const std::string text = std::string("[profile base]\n") + kKeys +
                           "[profile hop]\nrole_arn=arn:hop\nsource_profile=base\n"
                           "[profile goal]\nrole_arn=arn:goal\nsource_profile=hop\n"
                           "external_id=e\nduration_seconds=900\nrole_session_name=n\n";
  const ProfilePlan found = plan(text, "goal");
  EXPECT_EQ(std::get<AwsKeys>(found.first).access_key_id, "AKIA1");
  EXPECT_EQ(found.profile, "base");
  ASSERT_EQ(found.roles.size(), 2U);
  EXPECT_EQ(found.roles[0].arn, "arn:hop");
  EXPECT_EQ(found.roles[0].duration, std::nullopt);
  EXPECT_EQ(found.roles[1].arn, "arn:goal");
  EXPECT_EQ(found.roles[1].external_id, "e");
  EXPECT_EQ(found.roles[1].session_name, "n");
  EXPECT_EQ(found.roles[1].duration, std::chrono::minutes(15));
}

TEST(ProfilePlan, ASourcesOwnKeysCountBeforeItsRole) {
  const std::string self =
      std::string("[default]\nrole_arn=arn:self\nsource_profile=default\n") + kKeys;
  const ProfilePlan found = plan(self);
  EXPECT_EQ(found.first.index(), 1U);
  ASSERT_EQ(found.roles.size(), 1U);
  EXPECT_EQ(found.roles[0].arn, "arn:self");
  EXPECT_EQ(plan(self + "[profile x]\nrole_arn=arn:x\nsource_profile=default\n", "x").roles.size(),
            1U);
}

TEST(ProfilePlan, ARolesSourceMayBeAPlace) {
  const auto place = [](const std::string& name) {
    return std::get<KeyPlace>(
        plan("[default]\nrole_arn=arn:x\ncredential_source=" + name + "\n").first);
  };
  EXPECT_EQ(place("Environment"), KeyPlace::kEnvironment);
  EXPECT_EQ(place("Ec2InstanceMetadata"), KeyPlace::kInstance);
  EXPECT_EQ(place("EcsContainer"), KeyPlace::kContainer);
  EXPECT_THAT(error_of("[default]\nrole_arn=arn:x\ncredential_source=canary\n"),
              AllOf(StartsWith("profile 'default': credential_source: not one of"),
                    Not(HasSubstr("canary"))));
}

TEST(ProfilePlan, ARolesSourceMayBeATokenFile) {
  const ProfilePlan found =
      plan("[default]\nrole_arn=arn:x\nweb_identity_token_file=/token\nrole_session_name=night\n");
  const auto& file = std::get<TokenFile>(found.first);
  EXPECT_EQ(file.path, "/token");
  EXPECT_EQ(file.role.arn, "arn:x");
  EXPECT_EQ(file.role.session_name, "night");
  EXPECT_TRUE(found.roles.empty());
}

TEST(ProfilePlan, ACircleIsFound) {
  EXPECT_THAT(error_of("[profile a]\nrole_arn=x\nsource_profile=b\n"
                       "[profile b]\nrole_arn=x\nsource_profile=a\n",
                       "a"),
              HasSubstr("in a circle: a -> b -> a"));
  EXPECT_THAT(error_of("[default]\nrole_arn=x\nsource_profile=default\n"),
              HasSubstr("in a circle: default -> default"));
}

TEST(ProfilePlan, ARoleNeedsOneSource) {
  EXPECT_THAT(error_of("[default]\nrole_arn=x\n"), HasSubstr("role_arn without source_profile"));
  EXPECT_THAT(error_of("[default]\nrole_arn=x\nsource_profile=a\ncredential_source=Environment\n"),
              HasSubstr("role_arn with both source_profile and credential_source"));
  EXPECT_THAT(error_of("[default]\nrole_arn=x\nsource_profile=a\n[profile a]\nregion=r\n"),
              HasSubstr("profile 'a': no keys in it"));
}

TEST(ProfilePlan, WhatIsWrongIsNamedWithoutSecrets) {
  EXPECT_THAT(error_of("[default]\naws_secret_access_key=canary\n"),
              AllOf(HasSubstr("aws_secret_access_key is set, aws_access_key_id is not"),
                    Not(HasSubstr("canary"))));
  EXPECT_THAT(error_of("[default]\naws_access_key_id=canary\n"),
              AllOf(HasSubstr("aws_access_key_id is set, aws_secret_access_key is not"),
                    Not(HasSubstr("canary"))));
  for (const char* duration : {"899", "43201", "1h", "-1", "1e3"}) {
    EXPECT_THAT(error_of(std::string("[default]\nrole_arn=x\ncredential_source=Environment\n"
                                     "duration_seconds=") +
                         duration),
                HasSubstr("profile 'default': duration_seconds: no number from 900 to 43200"));
  }
  EXPECT_THAT(error_of("[default]\nrole_arn=x\nmfa_serial=y\ncredential_source=Environment\n"),
              HasSubstr("mfa_serial: nobody is here"));
}

TEST(ProfilePlan, SingleSignOnIsNotOurs) {
  EXPECT_THAT(error_of("[profile work]\nsso_start_url=https://x\nsso_role_name=y\n", "work"),
              AllOf(StartsWith("profile 'work': single sign-on is not supported"),
                    HasSubstr("aws configure export-credentials --profile")));
}

TEST(ProfilePlan, AMissingProfileIsNamedWithWhatIsNear) {
  EXPECT_THAT(error_of("[profile backup]\nregion=r\n", "bakcup"),
              AllOf(StartsWith("profile 'bakcup': neither in /c nor in /s"),
                    HasSubstr("did you mean 'backup'?")));
  EXPECT_THAT(error_of("[default]\nrole_arn=x\nsource_profile=none\n"),
              StartsWith("profile 'none': neither in"));
  EXPECT_EQ(thrown_text([] { static_cast<void>(plan_for_profile("x", {})); }),
            "profile 'x': there is no home folder to look in");
}

}  // namespace
}  // namespace pgstow::test
