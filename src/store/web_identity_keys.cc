#include "store/web_identity_keys.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/small_file.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kMaxToken = 65536;

Role role_in(const Lookup& environment) {
  return {.arn = variable(environment, "AWS_ROLE_ARN"),
          .session_name = variable(environment, "AWS_ROLE_SESSION_NAME"),
          .external_id = {},
          .duration = {}};
}

}  // namespace

KeySource web_identity_keys(const AwsCredentialOptions& options, const KeyTools& tools) {
  KeySource source{.name = "web identity", .why_not = {}, .fetch = {}};
  const std::string file = variable(tools.environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (file.empty()) {
    source.why_not = "AWS_WEB_IDENTITY_TOKEN_FILE is not set";
  } else if (role_in(tools.environment).arn.empty()) {
    throw ConfigError("web identity: AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not");
  } else {
    source.fetch = [file, options, tools] {
      const StsPlace place =
          sts_place(options, tools.environment, read_aws_files(tools.environment));
      return keys_for_token_file(file, role_in(tools.environment), place, tools);
    };
  }
  return source;
}

AwsKeys keys_for_token_file(const std::filesystem::path& file, const Role& role,
                            const StsPlace& place, const KeyTools& tools) {
  const auto content = read_small_file(file, kMaxToken);
  if (!content)
    throw ConfigError(fmt::format("web identity token: {}: no such file", file.native()));
  const std::string_view token = trim(*content);
  if (token.empty()) {
    throw ConfigError(fmt::format("web identity token: {}: nothing in it", file.native()));
  }
  return assume_role_with_token(role, token, place, tools);
}

}  // namespace pgstow
