#include "store/aws_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "harness/program.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

AwsConfig config(std::string_view text) {
  return parse_aws_config(text, "config", AwsFileKind::kConfig);
}

// The one setting "x" of [default].
std::string value_of(std::string_view text) {
  const AwsConfig parsed = config(text);
  const AwsSection* section = parsed.profile("default");
  return section == nullptr ? "no profile" : setting(*section, "x");
}

std::string error_of(std::string_view text, AwsFileKind kind = AwsFileKind::kConfig) {
  try {
    static_cast<void>(parse_aws_config(text, "f", kind));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

Lookup variables(std::map<std::string, std::string> all) {
  return [all = std::move(all)](const std::string& name) -> std::optional<std::string> {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(AwsConfig, ReadsValues) {
  EXPECT_EQ(value_of("[default]\nx=1"), "1");
  EXPECT_EQ(value_of("\xEF\xBB\xBF[default]\r\nx = 1 \r\n"), "1");
  EXPECT_EQ(value_of("[ default ]\nX\t=\t1"), "1");
  EXPECT_EQ(value_of("[default]\n  x = 1"), "1");
  EXPECT_EQ(value_of("[default]\nx: 1"), "1");
  EXPECT_EQ(value_of("[default]\nx=a=b:c"), "a=b:c");
  EXPECT_EQ(value_of("[default]\nx=1\nx=2"), "2");
  EXPECT_EQ(value_of("[default]\nx=1\n[other]\nx=3\n[default]\ny=2"), "1");
  EXPECT_EQ(value_of("[default]\nx="), "");
  EXPECT_EQ(value_of("[default]\nx=\"1\""), "\"1\"");
  EXPECT_EQ(value_of(""), "no profile");
}

TEST(AwsConfig, LeavesCommentsOut) {
  EXPECT_EQ(value_of("# a\n; b\n[default] # c\n  # d\nx=1 ; e"), "1");
  EXPECT_EQ(value_of("[default]\nx=a#b;c"), "a#b;c");
  EXPECT_EQ(value_of("[default]\nx = # all of it"), "");
}

TEST(AwsConfig, KnowsProfilesByTheirKindOfFile) {
  const std::string_view text =
      "[profile one]\nx=1\n[profile \"two words\"]\nx=2\n[three]\nx=3\n[sso-session four]\nx=4\n"
      "[services five]\ns3 =\n  endpoint_url = http://a:1\n";
  const AwsConfig parsed = config(text);
  EXPECT_THAT(parsed.profiles, UnorderedElementsAre(Pair("one", AwsSection{{"x", "1"}}),
                                                    Pair("two words", AwsSection{{"x", "2"}})));
  EXPECT_EQ(setting(parsed.services.at("five"), "s3.endpoint_url"), "http://a:1");
  const AwsConfig keys = parse_aws_config("[three]\nx=3", "credentials", AwsFileKind::kCredentials);
  ASSERT_NE(keys.profile("three"), nullptr);
  EXPECT_EQ(keys.profile("none"), nullptr);
}

TEST(AwsConfig, ProfileDefaultStandsInForDefault) {
  EXPECT_EQ(value_of("[default]\nx=1\ny=2\n[profile default]\nx=3"), "3");
  EXPECT_EQ(value_of("[profile default]\nx=3\n[default]\nx=1"), "3");
  EXPECT_FALSE(config("[profile default]\nx=3\n[default]\ny=1").profile("default")->contains("y"));
}

TEST(AwsConfig, ReadsNestedAndLongValues) {
  const AwsConfig parsed = config(
      "[default]\ns3 =\n  Addressing_Style = path\n  # between\n\n\tuse = yes # or no\nx = one\n "
      "two\nregion = r");
  EXPECT_EQ(*parsed.profile("default"), (AwsSection{{"s3", ""},
                                                    {"s3.addressing_style", "path"},
                                                    {"s3.use", "yes"},
                                                    {"x", "one\ntwo"},
                                                    {"region", "r"}}));
}

TEST(AwsConfig, SaysWhereItIsWrongAndNeverWhat) {
  EXPECT_EQ(error_of("[default]\nx=1\n[default"), "f:3: the [ is never closed");
  EXPECT_EQ(error_of("[default] x"), "f:1: text after the ] of a section");
  EXPECT_EQ(error_of("\nx=1"), "f:2: a setting before the first [section]");
  EXPECT_EQ(error_of("[default]\n = 1"), "f:2: no name before the =");
  EXPECT_EQ(error_of(std::string_view("[default]\nx=a\0b", 15)), "f:2: a NUL byte in a value");
  for (const std::string_view text :
       {"[default]\ncanary", "[default]\ns3=\n  canary", "[a]\ncanary secret"}) {
    EXPECT_THAT(error_of(text, AwsFileKind::kCredentials),
                AllOf(HasSubstr("no = in this line"), Not(HasSubstr("canary"))));
  }
}

TEST(AwsFiles, AreReadAsOneAndTheCredentialsFileWins) {
  const TempDir temp;
  std::filesystem::create_directory(temp / ".aws");
  write_file(temp / ".aws" / "config",
             "[profile a]\nregion=r\naws_access_key_id=old\n[profile b]\n");
  write_file(temp / ".aws" / "credentials", "[a]\naws_access_key_id=new\n[c]\n");
  const AwsFiles files = read_aws_files(variables({{"HOME", temp.path().native()}}));
  EXPECT_EQ(files.config, temp / ".aws" / "config");
  EXPECT_THAT(
      files.content.profiles,
      UnorderedElementsAre(Pair("a", AwsSection{{"region", "r"}, {"aws_access_key_id", "new"}}),
                           Pair("b", AwsSection{}), Pair("c", AwsSection{})));
}

TEST(AwsFiles, LieWhereTheVariablesSay) {
  const TempDir temp;
  write_file(temp / "my config", "[default]\nregion=r\n");
  const AwsFiles files =
      read_aws_files(variables({{"HOME", temp.path().native()},
                                {"AWS_CONFIG_FILE", "~/my config"},
                                {"AWS_SHARED_CREDENTIALS_FILE", (temp / "keys").native()}}));
  EXPECT_EQ(setting(*files.content.profile("default"), "region"), "r");
  EXPECT_EQ(files.credentials, temp / "keys");
}

TEST(AwsFiles, AreEmptyWithoutAHome) {
  const AwsFiles files = read_aws_files(variables({}));
  EXPECT_TRUE(files.config.empty());
  EXPECT_TRUE(files.content.profiles.empty());
}

TEST(AwsFiles, ThatCannotBeReadAreErrors) {
  const TempDir temp;
  EXPECT_THROW(read_aws_files(variables({{"AWS_CONFIG_FILE", temp.path().native()}})), ConfigError);
}

}  // namespace
}  // namespace pgstow::test
