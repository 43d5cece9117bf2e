// What signs requests to AWS and its like.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"

namespace pgstow {

struct AwsKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;    // empty for keys that never expire
  std::optional<Time> expires;  // nothing: never, as far as is known

  bool operator==(const AwsKeys&) const = default;
};

}  // namespace pgstow
