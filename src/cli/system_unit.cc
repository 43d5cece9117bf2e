#include "cli/system_unit.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "base/child.h"
#include "base/error.h"

namespace pgstow::cli {
namespace {

constexpr const char* kUnitFile = "/etc/pgstow/pgstow.env";

bool is_setting(const std::string& entry) {
  const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
  if (name.size() + 1 >= entry.size()) return false;  // an empty variable is none
  return name == "DATABASE_URL" || name.starts_with("BACKUP_") || name.starts_with("PG");
}

}  // namespace

bool names_configuration(const std::vector<std::string>& flags,
                         const std::vector<std::string>& environment) {
  return std::ranges::any_of(
             flags, [](const auto& flag) { return flag != "--quiet" && flag != "--verbose"; }) ||
         std::ranges::any_of(environment, is_setting);
}

bool means_unit(const Session& session) {
  const Startup& startup = session.startup;
  if (names_configuration(startup.flags, startup.environment)) return false;
  if (::access(".env", F_OK) == 0 || ::access("/run/systemd/system", F_OK) != 0) return false;
  try {
    static_cast<void>(pgstow::run_command({.argv = {"systemctl", "cat", "pgstow.service"},
                                           .env = startup.environment,
                                           .pipe_out = true},
                                          {.stop = session.context.stop}));
    return true;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error&) {  // no such unit
    return false;
  }
}

void warn_of_unit(const Session& session) {
  if (!means_unit(session)) return;
  session.context.log.warning("this is not the configuration of systemd's pgstow.service",
                              {{"hint", std::string("that one: --env-file ") + kUnitFile}});
}

}  // namespace pgstow::cli
