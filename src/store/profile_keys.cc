#include "store/profile_keys.h"

#include <fmt/format.h>

#include <variant>

#include "base/error.h"
#include "store/container_keys.h"
#include "store/instance_keys.h"
#include "store/process_keys.h"
#include "store/profile_plan.h"
#include "store/static_keys.h"
#include "store/sts.h"
#include "store/web_identity_keys.h"

namespace pgstow {
namespace {

KeySource source_at(KeyPlace place, const KeyTools& tools) {
  switch (place) {
    case KeyPlace::kEnvironment:
      return environment_keys(tools);
    case KeyPlace::kInstance:
      return instance_keys(tools);
    case KeyPlace::kContainer:
      break;
  }
  return container_keys(tools);
}

// How the keys are had that a plan begins with.
struct FirstKeys {
  const std::string& profile;
  const StsPlace& sts;
  const KeyTools& tools;

  AwsKeys operator()(std::monostate) const {
    throw ConfigError("there are no keys in it any more");
  }
  AwsKeys operator()(const AwsKeys& keys) const { return keys; }
  AwsKeys operator()(const TokenFile& file) const {
    return keys_for_token_file(file.path, file.role, sts, tools);
  }
  AwsKeys operator()(const CommandLine& line) const {
    return process_keys(line.text, tools, "credential_process of " + profile_title(profile));
  }
  AwsKeys operator()(KeyPlace place) const {
    const KeySource source = source_at(place, tools);
    if (source.fetch) return source.fetch();
    throw ConfigError(fmt::format("credential_source: {}: {}", source.name, source.why_not));
  }
};

AwsKeys carry_out(const ProfilePlan& plan, const StsPlace& sts, const KeyTools& tools) {
  AwsKeys keys = std::visit(FirstKeys{plan.profile, sts, tools}, plan.first);
  for (const Role& role : plan.roles) keys = assume_role(role, keys, sts, tools);
  return keys;
}

AwsKeys fetch(const AwsCredentialOptions& options, const KeyTools& tools) {
  const AwsFiles files = read_aws_files(tools.environment);
  const std::string profile = aws_profile(options, tools.environment).name;
  const ProfilePlan plan = plan_for_profile(profile, files);
  try {
    return carry_out(plan, sts_place(options, tools.environment, files), tools);
  } catch (const NotFound& e) {  // the profile says where keys are: that they are not is an error
    throw Error(fmt::format("{}: {}", profile_title(profile), e.what()), e.hint());
  } catch (const Cancelled&) {
    throw;
  } catch (Error& e) {
    e.within(profile_title(profile));
    throw;
  }
}

}  // namespace

KeySource profile_keys(const AwsCredentialOptions& options, const KeyTools& tools) {
  const AwsProfile profile = aws_profile(options, tools.environment);
  KeySource source{.name = profile_title(profile.name), .why_not = {}, .fetch = {}};
  const AwsFiles files = read_aws_files(tools.environment);
  if (!profile.named && files.content.profile(profile.name) == nullptr) {
    source.why_not = not_in(files);
  } else if (std::holds_alternative<std::monostate>(plan_for_profile(profile.name, files).first)) {
    source.why_not = "it says nothing about keys";
  } else {
    source.fetch = [options, tools] { return fetch(options, tools); };
  }
  return source;
}

}  // namespace pgstow
