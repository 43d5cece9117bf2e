// Keys from the agent of a container: ECS, EKS Pod Identity, Greengrass.
#pragma once

#include <string>
#include <string_view>

#include "store/key_source.h"

namespace pgstow {

// Looks at AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, then _FULL_URI. A token for the agent comes from
// the file that AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names, read for each request since it
// rotates, or from AWS_CONTAINER_AUTHORIZATION_TOKEN. Throws ConfigError for a URL that must not
// get it.
KeySource container_keys(const KeyTools& tools);

// Whether keys may be asked for at this URL: over https anywhere, over http only on this machine
// and at the agents' link-local addresses.
bool may_ask_for_keys(std::string_view url);

}  // namespace pgstow
