// The settings of the service, out of the configuration.
#pragma once

#include <filesystem>
#include <vector>

#include "backup/config.h"
#include "daemon/cron.h"

namespace pgstow {

// BACKUP_SCHEDULE_CRON in BACKUP_TIMEZONE. Throws ConfigError naming the setting and its origin.
std::vector<CronSchedule> read_schedules(const Config& config);

// The name of the lock that the service of this database holds in the state folder.
std::string service_lock_name(const std::string& database);

}  // namespace pgstow
