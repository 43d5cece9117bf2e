#include "daemon/service_config.h"

#include <fmt/format.h>

#include "base/error.h"

namespace pgstow {

std::vector<CronSchedule> read_schedules(const Config& config) {
  constexpr std::string_view kName = "BACKUP_SCHEDULE_CRON";
  try {
    return parse_schedules(config.settings.text(kName), config.zone);
  } catch (Error& e) {
    e.within(fmt::format("{} ({})", kName, config.settings.origin(kName)));
    throw;
  }
}

std::string service_lock_name(const std::string& database) { return "service-" + database; }

}  // namespace pgstow
