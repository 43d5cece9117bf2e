// What is configured about AWS: the profile, the region, the endpoints; by our own settings, the
// variables and the files that every AWS tool obeys, in this order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/env_expand.h"
#include "store/aws_config.h"
#include "store/aws_keys.h"

namespace pgstow {

// Our own settings.
struct AwsCredentialOptions {
  std::optional<AwsKeys> keys;
  std::string profile;  // empty: AWS_PROFILE, or "default"
  std::string region;   // empty: see aws_region()
};

struct AwsProfile {
  std::string name;
  bool named;  // by somebody, so that it has to be there
};
// "profile 'NAME'", fit to be printed.
std::string profile_title(std::string_view name);

AwsProfile aws_profile(const AwsCredentialOptions& options, const Lookup& environment);

// The option, AWS_REGION, AWS_DEFAULT_REGION, the profile's region; nothing if there is none.
// Throws ConfigError for one that can't be part of a host's name.
std::optional<std::string> aws_region(const AwsCredentialOptions& options,
                                      const Lookup& environment, const AwsFiles& files);

// The URL of a service ("s3", "sts") where it is not AWS's own: AWS_ENDPOINT_URL_S3,
// AWS_ENDPOINT_URL, the profile's [services ...], its endpoint_url; nothing if there is none, or
// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or the profile says that they do not count. Without a slash
// at its end. Throws ConfigError for one that is no http or https URL.
std::optional<std::string> aws_endpoint(std::string_view service,
                                        const AwsCredentialOptions& options,
                                        const Lookup& environment, const AwsFiles& files);

}  // namespace pgstow
