// The settings of an S3 store, out of BACKUP_S3_... and what every AWS tool obeys.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env_expand.h"
#include "base/settings.h"
#include "store/s3_connect.h"

namespace pgstow {

// The S3 store called `store` ("s3", "s3:offsite"), whose settings are in `settings`. `environment`
// answers for AWS_... variables. The region and the endpoint may come from ~/.aws, which is read if
// nothing nearer tells them. Throws ConfigError naming the setting, its value and its origin.
S3Connection read_s3(const Settings& settings, std::string_view store, const Lookup& environment);

}  // namespace pgstow
