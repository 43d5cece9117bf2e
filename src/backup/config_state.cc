#include "backup/config_state.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace pgstow {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::filesystem::path state_folder(const Config& config) {
  std::filesystem::path folder = read_path(config.settings, "BACKUP_STATE_PATH");
  if (!folder.empty()) return folder;
  const auto local = std::ranges::find_if(config.stores, [](const auto& s) { return !s.s3; });
  if (local != config.stores.end()) return local->folder / ".pgstow";
  if (const std::string state = variable("STATE_DIRECTORY"); !state.empty()) {
    return state.substr(0, state.find(':'));
  }
  if (const std::string state = variable("XDG_STATE_HOME"); state.starts_with('/')) {
    return std::filesystem::path(state) / "pgstow";
  }
  const std::string home = variable("HOME");
  if (home.starts_with('/')) return std::filesystem::path(home) / ".local/state/pgstow";
  throw ConfigError("there is no folder for pgstow's state", "set BACKUP_STATE_PATH");
}

}  // namespace pgstow
