#include "store/static_keys.h"

#include <fmt/format.h>

#include "base/error.h"

namespace pgstow {
namespace {

AwsKeys keys_of(const Lookup& environment) {
  return {.access_key_id = variable(environment, "AWS_ACCESS_KEY_ID"),
          .secret_access_key = variable(environment, "AWS_SECRET_ACCESS_KEY"),
          .session_token = variable(environment, "AWS_SESSION_TOKEN"),
          .expires = {}};
}

}  // namespace

KeySource explicit_keys(const std::optional<AwsKeys>& keys) {
  KeySource source{.name = "settings", .why_not = {}, .fetch = {}};
  if (!keys) {
    source.why_not = "no keys in them";
  } else {
    source.fetch = [keys = *keys] { return keys; };
  }
  return source;
}

KeySource environment_keys(const KeyTools& tools) {
  KeySource source{.name = "environment", .why_not = {}, .fetch = {}};
  const AwsKeys keys = keys_of(tools.environment);
  const bool has_id = !keys.access_key_id.empty();
  const bool has_secret = !keys.secret_access_key.empty();
  if (has_id != has_secret) {
    constexpr const char* kId = "AWS_ACCESS_KEY_ID";
    constexpr const char* kSecret = "AWS_SECRET_ACCESS_KEY";
    throw ConfigError(fmt::format("environment: {} is set, {} is not", has_id ? kId : kSecret,
                                  has_id ? kSecret : kId),
                      "set both, or none for keys from another place");
  }
  if (!has_id) {
    source.why_not = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set";
  } else {
    source.fetch = [environment = tools.environment] { return keys_of(environment); };
  }
  return source;
}

}  // namespace pgstow
