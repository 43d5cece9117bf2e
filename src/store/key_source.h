// One place where AWS keys may come from, and what the places have in common.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/context.h"
#include "base/env_expand.h"
#include "store/aws_keys.h"
#include "store/http_message.h"

namespace pgstow {

// What a place has to offer.
struct KeySource {
  std::string name;                // "environment", "profile 'default'"
  std::string why_not;             // why there are no keys here, when fetch is empty
  std::function<AwsKeys()> fetch;  // asks for the keys, each time anew; throws NotFound when there
                                   // turn out to be none
};

// What sources work with.
struct KeyTools {
  Lookup environment;
  HttpSend send;         // to AWS services: through the proxy, as the store itself
  HttpSend send_direct;  // to this machine or the link: no proxy, short time-outs
  Context context;
};

// A variable's value; "" if it is not set.
std::string variable(const Lookup& environment, const std::string& name);

// Keys as credential processes, containers and instances write them: a JSON object with
// AccessKeyId, SecretAccessKey, the session token in `token_member`, and Expiration (RFC 3339), the
// last two if there are any. Throws Error naming `from`, never showing the text.
AwsKeys parse_json_keys(std::string_view text, std::string_view token_member,
                        std::string_view from);

// Throws ConfigError naming `from` when one of the keys is empty or has a character in it that can
// not be in an HTTP header.
void check_keys(const AwsKeys& keys, std::string_view from);

}  // namespace pgstow
