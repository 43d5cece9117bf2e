// Keys by a profile of ~/.aws/config and ~/.aws/credentials (see aws_config.h). Of what a profile
// may hold, the first of these counts:
//
//   role_arn with source_profile        the role, assumed with the keys of that profile, which may
//                                       itself be a role's, and so on
//   role_arn with credential_source     ... of Environment, Ec2InstanceMetadata or EcsContainer
//   role_arn with web_identity_token_file
//   aws_access_key_id and aws_secret_access_key, aws_session_token
//   credential_process
//
// A source_profile's own keys count before its role_arn, so that a profile may be its own source.
// Single sign-on is not ours to do; credential_process can have the AWS command line do it.
#pragma once

#include "store/aws_options.h"
#include "store/key_source.h"

namespace pgstow {

// Throws ConfigError for files or a profile that can't be understood, and for a profile that
// somebody named and is not there. The files are read again for each fetch, so that keys that were
// written anew are found. The fetch throws what its parts throw, but never NotFound.
KeySource profile_keys(const AwsCredentialOptions& options, const KeyTools& tools);

}  // namespace pgstow
