#include "backup/config_state.h"

#include <algorithm>
#include <string>

#include "base/environment.h"
#include "base/error.h"

namespace pgstow {
namespace {

std::filesystem::path usual_state_folder() {
  const std::string service = environment("STATE_DIRECTORY").value_or("");
  if (!service.empty()) return service.substr(0, service.find(':'));
  const std::string state = environment("XDG_STATE_HOME").value_or("");
  if (state.starts_with('/')) return std::filesystem::path(state) / "pgstow";
  const std::string home = environment("HOME").value_or("");
  return home.starts_with('/') ? std::filesystem::path(home) / ".local/state/pgstow"
                               : std::filesystem::path();
}

}  // namespace

std::filesystem::path first_local_folder(const Config& config) {
  const auto local =
      std::ranges::find_if(config.stores, [](const StoreSettings& s) { return !s.s3; });
  if (local == config.stores.end()) return {};
  return local->below ? local->folder.parent_path() : local->folder;
}

std::filesystem::path state_folder(const Config& config) {
  if (!config.state_path.empty()) return config.state_path;
  const std::filesystem::path local = first_local_folder(config);
  return local.empty() ? usual_state_folder() : local / ".pgstow";
}

std::filesystem::path need_state_folder(const Config& config) {
  std::filesystem::path folder = state_folder(config);
  if (folder.empty()) {
    throw ConfigError("no folder is known for the service's state", "set BACKUP_STATE_PATH");
  }
  return folder;
}

std::filesystem::path notes_folder(const Config& config) {
  const std::filesystem::path local = first_local_folder(config);
  return local.empty() ? state_folder(config) : local;
}

std::filesystem::path service_log_path(const Config& config) {
  if (!config.log_file.path.empty()) return config.log_file.path;
  return need_state_folder(config) / "service.log";
}

}  // namespace pgstow
