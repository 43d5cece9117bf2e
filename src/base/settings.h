// Settings: named values out of four layers. A flag wins over the environment, that over the .env
// file, that over the default. Secrets may also come from the file that NAME_FILE names, without
// the newline at its end (docker and Kubernetes mount secrets so).
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
  enum class Kind {
    kPlain,
    kFile,    // may also be the content of the file that NAME_FILE names
    kSecret,  // the same, and never to be shown
    kUrl,     // the same, and the password in it never to be shown
  };

  std::string_view name;     // of the variable: "BACKUP_LOCAL_PATH"
  std::string_view flag;     // without dashes: "local-path"; empty if there is none
  std::string_view initial;  // the default; empty if there is none
  std::string_view help;
  Kind kind = Kind::kPlain;
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
  // Throws ConfigError when NAME and NAME_FILE are set in one layer, when such a file can't be read
  // or is empty, and for an empty flag. An empty variable counts as not set.
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

struct NameInUse {
  std::string name;
  std::string origin;
};

// Names that start with `prefix` and are no setting, with the nearest one that is:
// ".env:3: BACKUP_LOCAL_PAHT is not known: did you mean BACKUP_LOCAL_PATH?".
std::vector<std::string> unknown_settings(std::span<const Setting> table,
                                          const std::vector<NameInUse>& names,
                                          std::string_view prefix);

}  // namespace pgstow
