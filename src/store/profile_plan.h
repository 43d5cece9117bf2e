// What the profiles of ~/.aws say, as steps: keys to begin with, then roles to assume with them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "store/aws_config.h"
#include "store/aws_keys.h"
#include "store/sts.h"

namespace pgstow {

struct TokenFile {
  std::string path;
  Role role;
};
struct CommandLine {
  std::string text;
};
enum class KeyPlace { kEnvironment, kInstance, kContainer };

struct ProfilePlan {
  // Nothing: the profile says nothing about keys.
  std::variant<std::monostate, AwsKeys, TokenFile, CommandLine, KeyPlace> first;
  std::vector<Role> roles;  // the next one is assumed with the keys of the one before
  std::string profile;      // the one that `first` is from
};

// Follows source_profile from one profile to the next. Throws ConfigError naming the profile and
// the setting that is wrong, never the value of a secret: for a profile that is not there, a loop,
// half a pair of keys, a role without a source or with several, MFA, single sign-on.
ProfilePlan plan_for_profile(const std::string& name, const AwsFiles& files);

// "neither in FILE nor in FILE", of a profile.
std::string not_in(const AwsFiles& files);

}  // namespace pgstow
