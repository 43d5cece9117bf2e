// Settings: named values out of four layers. A flag wins over the environment, that over the .env
// file, that over the default. A secret may also come from the file that NAME_FILE names.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env_file.h"

namespace pgstow {

struct Setting {
  std::string_view name;     // of the variable: "BACKUP_LOCAL_PATH"
  std::string_view flag;     // without dashes: "local-path"; empty if there is none
  std::string_view initial;  // the default; empty if there is none
  std::string_view help;
  bool secret = false;
};

struct SettingValue {
  std::string text;
  std::string
      origin;  // "flag --url", "environment", ".env:12", "file /run/x (NAME_FILE)", "default"
};

// The layers above the defaults.
struct SettingLayers {
  std::map<std::string, std::string> flags;  // flag name -> value
  Lookup environment;
  std::string env_file_name;  // for origins
  std::vector<EnvEntry> env_file;
};

class Settings {
 public:
  // Throws ConfigError when NAME and NAME_FILE are set in one layer, or the file can't be read. An
  // empty value counts as not set.
  static Settings resolve(std::span<const Setting> table, const SettingLayers& layers);

  std::span<const Setting> table() const { return table_; }
  // Nothing if no layer and no default sets it.
  std::optional<SettingValue> find(std::string_view name) const;
  std::string text(std::string_view name) const;  // "" if nothing
  std::string origin(std::string_view name) const;

 private:
  std::span<const Setting> table_;
  std::map<std::string, SettingValue, std::less<>> values_;
};

// Names among `names` that start with `prefix` and are in no table, with the nearest one that is:
// "BACKUP_LOCAL_PAHT is not known (did you mean BACKUP_LOCAL_PATH?)".
std::vector<std::string> unknown_settings(std::span<const Setting> table,
                                          const std::vector<std::string>& names,
                                          std::string_view prefix);

}  // namespace pgstow
