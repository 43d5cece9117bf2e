// The settings of the log.
#pragma once

#include "base/log_file.h"
#include "base/log_line.h"
#include "base/settings.h"

namespace pgstow {

// Each throws ConfigError for what is not allowed.
LogFormat read_log_format(const Settings& settings);
Level read_log_level(const Settings& settings);
// Its path is empty where no file is wanted.
LogFileRule read_log_file(const Settings& settings);

}  // namespace pgstow
