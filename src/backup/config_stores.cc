#include "backup/config_stores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/text.h"
#include "pg/conninfo.h"

namespace pgstow {
namespace {

bool is_store_name(std::string_view name) {
  const std::string_view kind = name.substr(0, name.find(':'));
  if (kind != "local" && kind != "s3") return false;
  if (kind.size() == name.size()) return true;
  const std::string_view own = name.substr(kind.size() + 1);
  return !own.empty() && own.size() <= 32 && std::ranges::all_of(own, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// "local:usb-disk" -> "BACKUP_LOCAL_USB_DISK_".
std::string variable_prefix(std::string_view name) {
  std::string prefix = "BACKUP_";
  for (const char c : name) {
    const bool sign = c == ':' || c == '-';
    prefix += sign ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return prefix + "_";
}

// Who names a bucket wants to see what lies there, even before anything is sent to it.
bool is_found_by_bucket(const Settings& settings) {
  return settings.origin("BACKUP_S3_ENABLED") == "default" &&
         !settings.text("BACKUP_S3_BUCKET").empty();
}

}  // namespace

[[noreturn]] void refuse(const Settings& settings, std::string_view name,
                         const std::string& allowed) {
  throw ConfigError(
      fmt::format("{}: \"{}\" is not allowed ({})", name,
                  printable(pg::mask_word(settings.text(name))), settings.origin(name)),
      "allowed is " + allowed);
}

bool read_bool(const Settings& settings, std::string_view name) {
  const std::string text = lower(settings.text(name));
  for (const char* yes : {"true", "1", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "off", ""}) {
    if (text == no) return false;
  }
  refuse(settings, name, "true or false");
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_int(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  const std::int64_t factor = unit.empty() || unit == "s" ? 1
                              : unit == "m"               ? 60
                              : unit == "h"               ? 3600
                              : unit == "d"               ? 86400
                                                          : 0;
  if (!number || factor == 0 || *number > INT64_MAX / factor) return std::nullopt;
  return *number * factor;
}

// In a .env file no shell replaces the tilde, and a folder called "~" is nobody's wish.
std::filesystem::path read_path(const Settings& settings, std::string_view name) {
  const std::string text = settings.text(name);
  if (text == "~" || text.starts_with("~/")) {
    refuse(settings, name, "a path without ~, such as ./backups or ${HOME}/backups");
  }
  return text;
}

bool delivers(const Settings& settings, std::string_view name) {
  if (name != "s3" || !settings.text("BACKUP_STORES").empty()) return true;
  return read_bool(settings, "BACKUP_S3_ENABLED");
}

std::string store_variable(std::string_view store, std::string_view end) {
  return variable_prefix(store) + std::string(end);
}

std::vector<std::string> store_names(const Settings& settings) {
  const std::string text = settings.text("BACKUP_STORES");
  std::vector<std::string> names;
  if (text.empty()) {
    if (delivers(settings, "s3") || is_found_by_bucket(settings)) return {"local", "s3"};
    return {"local"};
  }
  for (const std::string_view part : split(text, ',')) {
    const std::string name = lower(trim(part));
    if (!is_store_name(name)) {
      refuse(settings, "BACKUP_STORES",
             "a list of local, s3, local:NAME and s3:NAME, a NAME being letters, digits, - and _");
    }
    if (std::ranges::find(names, name) != names.end())
      refuse(settings, "BACKUP_STORES", "each store once");
    names.push_back(name);
  }
  return names;
}

std::optional<std::string> store_of_variable(std::string_view variable,
                                             std::span<const Setting> table) {
  for (const std::string_view kind : {"local", "s3"}) {
    const std::string prefix = variable_prefix(kind);
    if (!variable.starts_with(prefix)) continue;
    for (const Setting& setting : table) {
      if (!setting.name.starts_with(prefix)) continue;
      const std::string end = "_" + std::string(setting.name.substr(prefix.size()));
      if (variable.ends_with(end) && variable.size() > prefix.size() + end.size()) {
        variable.remove_prefix(prefix.size());
        variable.remove_suffix(end.size());
        return fmt::format("{}:{}", kind, lower(variable));
      }
    }
  }
  return std::nullopt;
}

NamedSettings named_settings(std::string_view name, std::span<const Setting> table,
                             const SettingLayers& layers) {
  const std::string kind = variable_prefix(name.substr(0, name.find(':')));
  const std::string own = variable_prefix(name);
  NamedSettings named;
  for (Setting setting : table) {
    if (!setting.name.starts_with(kind) || setting.name == kind + "ENABLED") continue;
    setting.name = named.names.emplace_back(own + std::string(setting.name.substr(kind.size())));
    setting.flag = {};
    if (setting.name.ends_with("_PATH")) setting.initial = {};
    named.table.push_back(setting);
  }
  named.settings = Settings::resolve(named.table, layers);
  return named;
}

}  // namespace pgstow
