// Which stores a configuration names, and the settings of each.
//
// BACKUP_STORES is a list of "local", "s3" and, for further ones, "local:NAME" and "s3:NAME". A
// further one has settings of its own, named after it: BACKUP_LOCAL_USB_PATH belongs to local:usb,
// BACKUP_S3_OFFSITE_BUCKET to s3:offsite.
#pragma once

#include <filesystem>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "store/s3_connect.h"

namespace pgstow {

// The settings of one further store. Its table points into itself, so it moves but is not copied.
struct NamedSettings {
  NamedSettings() = default;
  NamedSettings(NamedSettings&&) = default;
  NamedSettings& operator=(NamedSettings&&) = default;
  NamedSettings(const NamedSettings&) = delete;
  NamedSettings& operator=(const NamedSettings&) = delete;
  ~NamedSettings() = default;

  std::list<std::string> names;  // that the table refers to; a deque may throw when it is moved
  std::vector<Setting> table;
  Settings settings;
};

struct StoreSettings {
  std::string name;  // "local", "s3:offsite"
  bool delivers = true;
  std::filesystem::path folder = {};  // of a local one
  bool below = false;                 // that folder is made, but the one around it has to be there
  std::optional<S3Connection> s3 = {};  // of an S3 one
};

// The names in BACKUP_STORES, or those that the other settings imply: local, and s3 when it is
// enabled, or has a bucket and nobody said that it is not. Throws ConfigError.
std::vector<std::string> store_names(const Settings& settings);

// Whether new backups go to the store, too: not to an s3 that is there for its bucket's sake only.
bool delivers(const Settings& settings, std::string_view name);

// "BACKUP_S3_OFFSITE_BUCKET" for "s3:offsite" and "BUCKET".
std::string store_variable(std::string_view store, std::string_view end);

// The settings of the store called `name`, made from those of the first one of its kind in `table`.
NamedSettings named_settings(std::string_view name, std::span<const Setting> table,
                             const SettingLayers& layers);

// "local:usb" for BACKUP_LOCAL_USB_PATH: the further store that a variable of this name would
// belong to.
std::optional<std::string> store_of_variable(std::string_view variable,
                                             std::span<const Setting> table);

// "true", "1", "yes", "on" or the opposite; throws ConfigError.
bool read_bool(const Settings& settings, std::string_view name);

// "90s", "15m", "2h", "3d" or a plain number of seconds; nothing when it is none of these.
std::optional<std::int64_t> parse_seconds(std::string_view text);

// Throws ConfigError naming the setting, its value, its origin and what is allowed.
[[noreturn]] void refuse(const Settings& settings, std::string_view name,
                         const std::string& allowed);

// A path, in which no shell has replaced a tilde: one that begins with it is refused.
std::filesystem::path read_path(const Settings& settings, std::string_view name);

}  // namespace pgstow
