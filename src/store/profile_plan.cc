#include "store/profile_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

bool has(const AwsSection& section, std::string_view name) {
  return !setting(section, name).empty();
}

const AwsSection& section_of(const std::string& name, const AwsFiles& files) {
  if (const AwsSection* section = files.content.profile(name)) return *section;
  std::vector<std::string> names;
  for (const auto& [other, section] : files.content.profiles) names.push_back(other);
  const auto near = nearest(name, names);
  throw ConfigError(fmt::format("{}: {}", profile_title(name), not_in(files)),
                    near ? fmt::format("did you mean '{}'?", printable(*near)) : "");
}

std::optional<std::chrono::seconds> duration_in(const AwsSection& section) {
  const std::string text = setting(section, "duration_seconds");
  if (text.empty()) return std::nullopt;
  const auto seconds = parse_int(text);
  if (!seconds || *seconds < 900 || *seconds > 43200) {
    throw ConfigError("duration_seconds: no number from 900 to 43200");
  }
  return std::chrono::seconds(*seconds);
}

Role role_in(const AwsSection& section) {
  if (has(section, "mfa_serial")) {
    throw ConfigError("mfa_serial: nobody is here to type a code",
                      "use keys that need none, or credential_process");
  }
  return {.arn = setting(section, "role_arn"),
          .session_name = setting(section, "role_session_name"),
          .external_id = setting(section, "external_id"),
          .duration = duration_in(section)};
}

bool has_keys(const AwsSection& section) {
  return has(section, "aws_access_key_id") || has(section, "aws_secret_access_key");
}

AwsKeys keys_in(const AwsSection& section) {
  constexpr const char* kId = "aws_access_key_id";
  constexpr const char* kSecret = "aws_secret_access_key";
  if (!has(section, kId) || !has(section, kSecret)) {
    const bool has_id = has(section, kId);
    throw ConfigError(
        fmt::format("{} is set, {} is not", has_id ? kId : kSecret, has_id ? kSecret : kId));
  }
  return {.access_key_id = setting(section, kId),
          .secret_access_key = setting(section, kSecret),
          .session_token = setting(section, "aws_session_token"),
          .expires = {}};
}

KeyPlace place_of(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, KeyPlace>, 3> kPlaces{
      {{"Environment", KeyPlace::kEnvironment},
       {"Ec2InstanceMetadata", KeyPlace::kInstance},
       {"EcsContainer", KeyPlace::kContainer}}};
  for (const auto& [known, place] : kPlaces) {
    if (name == known) return place;
  }
  throw ConfigError("credential_source: not one of Environment, Ec2InstanceMetadata, EcsContainer");
}

// The one of the settings that says whose keys assume the role.
std::string source_of_role(const AwsSection& section) {
  std::string found;
  for (const char* name : {"source_profile", "credential_source", "web_identity_token_file"}) {
    if (!has(section, name)) continue;
    if (!found.empty()) throw ConfigError(fmt::format("role_arn with both {} and {}", found, name));
    found = name;
  }
  if (!found.empty()) return found;
  throw ConfigError(
      "role_arn without source_profile, credential_source or web_identity_token_file");
}

bool is_single_sign_on(const AwsSection& section) {
  return std::ranges::any_of(section, [](const auto& s) { return s.first.starts_with("sso_"); });
}

// One walk from profile to profile.
class Walk {
 public:
  explicit Walk(const AwsFiles& files) : files_(files) {}

  ProfilePlan from(std::string name) {
    for (std::string next; !name.empty(); name = std::move(next)) {
      plan_.profile = name;
      const AwsSection& section = section_of(name, files_);
      try {
        next = step(section);
      } catch (ConfigError& e) {
        e.within(profile_title(name));
        throw;
      }
      visited_.push_back(name);
    }
    std::ranges::reverse(plan_.roles);
    return std::move(plan_);
  }

 private:
  // The profile to go on with; "" when `first` is found.
  std::string step(const AwsSection& section) {
    const bool is_source = !visited_.empty();
    if (!has(section, "role_arn") || (is_source && has_keys(section))) {
      first_without_role(section);
      return {};
    }
    check_loop();
    const std::string source = source_of_role(section);
    if (source == "web_identity_token_file") {
      plan_.first = TokenFile{.path = setting(section, source), .role = role_in(section)};
      return {};
    }
    plan_.roles.push_back(role_in(section));
    if (source == "source_profile") return setting(section, source);
    plan_.first = place_of(setting(section, source));
    return {};
  }

  void first_without_role(const AwsSection& section) {
    if (has_keys(section)) {
      plan_.first = keys_in(section);
    } else if (has(section, "credential_process")) {
      plan_.first = CommandLine{setting(section, "credential_process")};
    } else if (is_single_sign_on(section)) {
      throw ConfigError("single sign-on is not supported",
                        "log in with the AWS command line and add to the profile: "
                        "credential_process = aws configure export-credentials --profile NAME "
                        "--format process");
    } else if (!visited_.empty()) {
      throw ConfigError("no keys in it, though it is a source_profile");
    }
  }

  void check_loop() const {
    if (std::ranges::find(visited_, plan_.profile) == visited_.end()) return;
    throw ConfigError(fmt::format("source_profile leads in a circle: {} -> {}",
                                  printable(join(visited_, " -> ")), printable(plan_.profile)));
  }

  const AwsFiles& files_;
  ProfilePlan plan_;
  std::vector<std::string> visited_;
};

}  // namespace

std::string not_in(const AwsFiles& files) {
  if (files.config.empty() && files.credentials.empty())
    return "there is no home folder to look in";
  return fmt::format("neither in {} nor in {}", files.config.native(), files.credentials.native());
}

ProfilePlan plan_for_profile(const std::string& name, const AwsFiles& files) {
  return Walk(files).from(name);
}

}  // namespace pgstow
