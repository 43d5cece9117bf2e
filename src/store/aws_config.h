// ~/.aws/config and ~/.aws/credentials, the files that the AWS command line and SDKs share.
//
//   [default]               a profile; in the config file the others are called [profile NAME]
//   region = eu-central-1   names in any case, spaces around = and at the end do not count
//   s3 =                    nested settings, indented: "s3.addressing_style"
//     addressing_style = path
//   # or ; begin a comment, also after a value when a space is before them
//
// Sections other than profiles and [services NAME] are not ours and are skipped.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/env_expand.h"

namespace pgstow {

// Setting -> value. Names are in lower case.
using AwsSection = std::map<std::string, std::string, std::less<>>;
using AwsSections = std::map<std::string, AwsSection, std::less<>>;

struct AwsConfig {
  AwsSections profiles;
  AwsSections services;

  // nullptr if there is none of that name.
  const AwsSection* profile(std::string_view name) const;
};

// The value of a setting; "" if it is not set.
std::string setting(const AwsSection& section, std::string_view name);

enum class AwsFileKind { kConfig, kCredentials };

// Throws ConfigError "FILE:LINE: ..." at the first line it can't understand, without its text. Of a
// setting that is there twice, the last counts; a section that is there twice is one.
AwsConfig parse_aws_config(std::string_view text, const std::string& file_name, AwsFileKind kind);

// Both files as one: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or those in ~/.aws. A setting
// in the credentials file wins. A missing file is an empty one.
struct AwsFiles {
  std::filesystem::path config;       // empty without a home folder
  std::filesystem::path credentials;  // the same
  AwsConfig content;
};
AwsFiles read_aws_files(const Lookup& environment);

}  // namespace pgstow
