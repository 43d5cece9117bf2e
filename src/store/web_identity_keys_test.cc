#include "store/web_identity_keys.h"

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

class WebIdentityKeysTest : public ::testing::Test, protected KeyTest {
 protected:
  WebIdentityKeysTest() {
    on_service = sts_answers(services);
    variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/pod";
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = (temp_ / "token").native();
    variables["AWS_REGION"] = "eu-west-1";
    write_file(temp_ / "token", "canary-1\n");
  }
  KeySource source() { return web_identity_keys({}, tools()); }
  const SentRequest& last() const { return services.sent().back(); }

  const TempDir temp_;
};

TEST_F(WebIdentityKeysTest, ComeForATokenThatIsReadEachTime) {
  const KeySource source = this->source();
  EXPECT_EQ(source.fetch().access_key_id, "ASIA1");
  EXPECT_EQ(last().url, "https://sts.eu-west-1.amazonaws.com");
  EXPECT_THAT(form(last()), IsSupersetOf({Pair("Action", "AssumeRoleWithWebIdentity"),
                                          Pair("RoleArn", "arn:aws:iam::1:role/pod"),
                                          Pair("RoleSessionName", "pgstow"),
                                          Pair("WebIdentityToken", "canary-1")}));
  write_file(temp_ / "token", "canary-2");
  variables["AWS_ROLE_SESSION_NAME"] = "night";
  EXPECT_EQ(source.fetch().access_key_id, "ASIA2");
  EXPECT_THAT(form(last()), IsSupersetOf({Pair("WebIdentityToken", "canary-2"),
                                          Pair("RoleSessionName", "night")}));
}

TEST_F(WebIdentityKeysTest, NeedATokenFileAndARole) {
  variables.erase("AWS_ROLE_ARN");
  EXPECT_THAT(thrown_text([&] { source(); }), HasSubstr("AWS_ROLE_ARN is not"));
  EXPECT_THROW(source(), ConfigError);
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/pod";
  variables.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  EXPECT_FALSE(source().fetch);
  EXPECT_EQ(source().why_not, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
}

TEST_F(WebIdentityKeysTest, AFileWithoutATokenIsNamed) {
  write_file(temp_ / "token", " \n");
  EXPECT_THAT(thrown_text([&] { source().fetch(); }), HasSubstr("token: nothing in it"));
  write_file(temp_ / "token", std::string(70000, 'x'));
  EXPECT_THAT(thrown_text([&] { source().fetch(); }), HasSubstr("longer than 65536 bytes"));
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = (temp_ / "none").native();
  EXPECT_THAT(thrown_text([&] { source().fetch(); }), HasSubstr("none: no such file"));
  EXPECT_TRUE(services.sent().empty());
}

TEST_F(WebIdentityKeysTest, ARefusalDoesNotShowTheToken) {
  on_service = [](const SentRequest& request) { return reply(400, request.body); };
  EXPECT_THAT(thrown_text([&] { source().fetch(); }),
              AllOf(HasSubstr("status 400"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
