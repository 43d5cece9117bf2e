// Keys of a role for a token that somebody else writes into a file and renews: Kubernetes (IAM
// roles for service accounts), CI systems.
#pragma once

#include <filesystem>

#include "store/aws_options.h"
#include "store/key_source.h"
#include "store/sts.h"

namespace pgstow {

// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and, if it is set, AWS_ROLE_SESSION_NAME. Throws
// ConfigError for a token file without a role.
KeySource web_identity_keys(const AwsCredentialOptions& options, const KeyTools& tools);

// Reads the token anew and asks for keys. Throws ConfigError naming the file when there is no token
// in it, and what assume_role_with_token() throws.
AwsKeys keys_for_token_file(const std::filesystem::path& file, const Role& role,
                            const StsPlace& place, const KeyTools& tools);

}  // namespace pgstow
