#include "store/key_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

namespace pgstow {
namespace {

namespace json = boost::json;

// A member that may be missing or null.
std::string optional_string(const json::object& object, std::string_view member,
                            std::string_view from) {
  const json::value* value = object.if_contains(member);
  return value == nullptr || value->is_null() ? "" : get_string(object, member, from);
}

AwsKeys keys_of(const json::object& object, std::string_view token_member, std::string_view from) {
  AwsKeys keys{.access_key_id = get_string(object, "AccessKeyId", from),
               .secret_access_key = get_string(object, "SecretAccessKey", from),
               .session_token = optional_string(object, token_member, from),
               .expires = {}};
  const std::string expiration = optional_string(object, "Expiration", from);
  if (expiration.empty()) return keys;
  keys.expires = parse_rfc3339(expiration);
  if (!keys.expires) throw Error(fmt::format("{}: Expiration is no time", from));
  return keys;
}

void check_text(std::string_view text, std::string_view what, std::string_view from) {
  const auto odd = [](char c) { return c <= ' ' || c > '~'; };
  if (!std::ranges::any_of(text, odd)) return;
  throw ConfigError(
      fmt::format("{}: the {} has a space, a line end or another character in it "
                  "that can't be part of one",
                  from, what));
}

}  // namespace

std::string variable(const Lookup& environment, const std::string& name) {
  return environment(name).value_or("");
}

AwsKeys parse_json_keys(std::string_view text, std::string_view token_member,
                        std::string_view from) {
  try {
    return keys_of(parse_json_object(text, from), token_member, from);
  } catch (const Corrupt& e) {  // which is about backups
    throw Error(e.what(), e.hint());
  }
}

void check_keys(const AwsKeys& keys, std::string_view from) {
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    throw ConfigError(fmt::format("{}: the {} is empty", from,
                                  keys.access_key_id.empty() ? "access key id" : "secret key"));
  }
  check_text(keys.access_key_id, "access key id", from);
  check_text(keys.secret_access_key, "secret key", from);
  check_text(keys.session_token, "session token", from);
}

}  // namespace pgstow
