// The keys that sign requests to AWS and its like, from wherever they are. Looked at, in this
// order:
//
//   1. our own settings             AwsCredentialOptions::keys
//   2. the environment              AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   3. web identity                 AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN
//   4. a profile of ~/.aws          AWS_PROFILE, or "default" (profile_keys.h)
//   5. the agent of a container     AWS_CONTAINER_CREDENTIALS_..._URI (container_keys.h)
//   6. the instance's metadata      (instance_keys.h)
//
// The first place that has keys is kept. A profile that our own settings name counts before 2 and
// 3, as it does for `aws --profile`.
#pragma once

#include <memory>

#include "store/aws_options.h"
#include "store/credentials.h"
#include "store/key_source.h"

namespace pgstow {

// Looks nowhere until keys() is called; what the tools refer to has to outlive it. keys() throws
// ConfigError, naming every place and why there are no keys, when there are none; and for a place
// whose configuration is wrong, since keys from the next one would surprise. Once a place had keys,
// its silence is Transient.
std::unique_ptr<Credentials> aws_credentials(const AwsCredentialOptions& options,
                                             const KeyTools& tools);

}  // namespace pgstow
