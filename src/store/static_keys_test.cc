#include "store/static_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StaticKeysTest : public ::testing::Test, protected KeyTest {};

TEST_F(StaticKeysTest, ComeFromSettings) {
  const AwsKeys keys{
      .access_key_id = "A", .secret_access_key = "S", .session_token = {}, .expires = {}};
  EXPECT_EQ(explicit_keys(keys).fetch(), keys);
  const KeySource none = explicit_keys(std::nullopt);
  EXPECT_FALSE(none.fetch);
  EXPECT_EQ(none.why_not, "no keys in them");
}

TEST_F(StaticKeysTest, ComeFromTheEnvironment) {
  variables["AWS_ACCESS_KEY_ID"] = "AKIA1";
  variables["AWS_SECRET_ACCESS_KEY"] = "canary";
  const KeySource source = environment_keys(tools());
  EXPECT_EQ(source.fetch().access_key_id, "AKIA1");
  EXPECT_EQ(source.fetch().secret_access_key, "canary");
  EXPECT_EQ(source.fetch().session_token, "");
  EXPECT_FALSE(source.fetch().expires);
  variables["AWS_SESSION_TOKEN"] = "token";
  EXPECT_EQ(source.fetch().session_token, "token");
}

TEST_F(StaticKeysTest, MayBeMissingButNotByHalf) {
  variables["AWS_ACCESS_KEY_ID"] = "";
  variables["AWS_SESSION_TOKEN"] = "canary";
  EXPECT_THAT(environment_keys(tools()).why_not, HasSubstr("are not set"));
  variables["AWS_SECRET_ACCESS_KEY"] = "canary";
  EXPECT_THROW(environment_keys(tools()), ConfigError);
  EXPECT_THAT(thrown_text([&] { environment_keys(tools()); }),
              AllOf(HasSubstr("AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not"),
                    Not(HasSubstr("canary"))));
  variables = {{"AWS_ACCESS_KEY_ID", "canary"}};
  EXPECT_THAT(thrown_text([&] { environment_keys(tools()); }),
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not"),
                    Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
