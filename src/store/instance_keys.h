// Keys of the role of an EC2 instance, from its metadata service (IMDSv2; never version 1, which
// whoever makes us send a request could read).
#pragma once

#include "store/key_source.h"

namespace pgstow {

// AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT and _MODE are obeyed. Whether there
// is such a service is known only when it is asked: the fetch throws NotFound when nothing answers,
// or the instance has no role.
KeySource instance_keys(const KeyTools& tools);

}  // namespace pgstow
