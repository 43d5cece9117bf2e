#include "store/aws_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AwsOptionsTest : public ::testing::Test, protected KeyTest {
 protected:
  void config(std::string_view text) {
    files_.content = parse_aws_config(text, "config", AwsFileKind::kConfig);
  }
  std::string region() { return aws_region(options_, environment(), files_).value_or("none"); }
  std::string endpoint(std::string_view service = "s3") {
    return aws_endpoint(service, options_, environment(), files_).value_or("none");
  }

  AwsCredentialOptions options_;
  AwsFiles files_{.config = "config", .credentials = "credentials", .content = {}};
};

TEST_F(AwsOptionsTest, TheProfileIsNamedOrDefault) {
  EXPECT_EQ(aws_profile(options_, environment()).name, "default");
  EXPECT_FALSE(aws_profile(options_, environment()).named);
  variables["AWS_DEFAULT_PROFILE"] = "third";
  EXPECT_EQ(aws_profile(options_, environment()).name, "third");
  variables["AWS_PROFILE"] = "second";
  EXPECT_EQ(aws_profile(options_, environment()).name, "second");
  options_.profile = "first";
  EXPECT_EQ(aws_profile(options_, environment()).name, "first");
  EXPECT_TRUE(aws_profile(options_, environment()).named);
}

TEST_F(AwsOptionsTest, TheRegionIsTheFirstThatIsSet) {
  EXPECT_EQ(region(), "none");
  config("[default]\nregion = eu-north-1\n[profile other]\nregion = eu-south-1\n");
  EXPECT_EQ(region(), "eu-north-1");
  variables["AWS_PROFILE"] = "other";
  EXPECT_EQ(region(), "eu-south-1");
  variables["AWS_PROFILE"] = "missing";
  EXPECT_EQ(region(), "none");
  variables["AWS_DEFAULT_REGION"] = "eu-west-1";
  EXPECT_EQ(region(), "eu-west-1");
  variables["AWS_REGION"] = "eu-west-2";
  EXPECT_EQ(region(), "eu-west-2");
  options_.region = "auto";
  EXPECT_EQ(region(), "auto");
}

TEST_F(AwsOptionsTest, ARegionIsNoHost) {
  for (const char* odd : {"evil.example/", "eu-west-1 ", "eu\nwest", "a.b", "x@y"}) {
    options_.region = odd;
    EXPECT_THROW(region(), ConfigError) << odd;
  }
  options_.region = "";
  config("[default]\nregion = a/b");
  EXPECT_THAT(thrown_text([&] { region(); }), HasSubstr("profile 'default': region: 'a/b'"));
}

TEST_F(AwsOptionsTest, TheEndpointIsTheFirstThatIsSet) {
  EXPECT_EQ(endpoint(), "none");
  config(
      "[default]\nendpoint_url = http://profile:1\nservices = mine\n"
      "[services mine]\ns3 =\n  endpoint_url = https://services.example/\n");
  EXPECT_EQ(endpoint(), "https://services.example");
  EXPECT_EQ(endpoint("sts"), "http://profile:1");
  variables["AWS_ENDPOINT_URL"] = "http://all:2";
  EXPECT_EQ(endpoint(), "http://all:2");
  variables["AWS_ENDPOINT_URL_S3"] = "HTTPS://s3.example:3//";
  EXPECT_EQ(endpoint(), "HTTPS://s3.example:3");
  EXPECT_EQ(endpoint("sts"), "http://all:2");
  variables["AWS_ENDPOINT_URL_STS"] = "http://[::1]:4/sts";
  EXPECT_EQ(endpoint("sts"), "http://[::1]:4/sts");
}

TEST_F(AwsOptionsTest, EndpointsCanBeToldNotToCount) {
  variables["AWS_ENDPOINT_URL_S3"] = "http://s3:1";
  config("[default]\nignore_configured_endpoint_urls = True\nendpoint_url = http://profile:1\n");
  EXPECT_EQ(endpoint(), "none");
  config("[default]\nendpoint_url = http://profile:1\n");
  EXPECT_EQ(endpoint(), "http://s3:1");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "TRUE";
  EXPECT_EQ(endpoint(), "none");
}

TEST_F(AwsOptionsTest, AnEndpointIsAPlainUrl) {
  for (const char* odd :
       {"s3.example", "ftp://x", "http://u:canary@x", "http://x?canary", "http:/x",
        "http://x\r\ncanary: y", "http://", "https://\xC3\xA4.example"}) {
    variables["AWS_ENDPOINT_URL_S3"] = odd;
    EXPECT_THAT(thrown_text([&] { endpoint(); }),
                AllOf(HasSubstr("AWS_ENDPOINT_URL_S3: no URL"), Not(HasSubstr("canary"))))
        << odd;
  }
}

TEST_F(AwsOptionsTest, ServicesHaveToBeThere) {
  config("[default]\nservices = mine\n");
  EXPECT_THAT(thrown_text([&] { endpoint(); }), HasSubstr("config: there is no [services mine]"));
}

}  // namespace
}  // namespace pgstow::test
