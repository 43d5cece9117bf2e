// Keys that somebody wrote down: in our own settings, or in the variables that every AWS tool
// knows.
#pragma once

#include <optional>

#include "store/aws_keys.h"
#include "store/key_source.h"

namespace pgstow {

// Those of our settings.
KeySource explicit_keys(const std::optional<AwsKeys>& keys);

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if there is one, AWS_SESSION_TOKEN. Throws
// ConfigError when only one of the first two is set: the other one was forgotten, and keys from
// elsewhere would surprise.
KeySource environment_keys(const KeyTools& tools);

}  // namespace pgstow
