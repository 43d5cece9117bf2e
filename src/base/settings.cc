#include "base/settings.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kFileSuffix = "_FILE";
constexpr std::size_t kMostSecret = 65536;

// One layer's word on one name.
using LayerLookup = std::function<std::optional<SettingValue>(const std::string& name)>;

std::optional<SettingValue> not_empty(std::optional<std::string> text, std::string origin) {
  if (!text || text->empty()) return std::nullopt;
  return SettingValue{.text = std::move(*text), .origin = std::move(origin)};
}

std::vector<LayerLookup> layers_in_order(const SettingLayers& layers) {
  return {
      [&](const std::string& name) { return not_empty(layers.environment(name), "environment"); },
      [&](const std::string& name) -> std::optional<SettingValue> {
        const auto found = std::ranges::find(layers.env_file, name, &EnvEntry::name);
        if (found == layers.env_file.end()) return std::nullopt;
        return not_empty(found->value, fmt::format("{}:{}", layers.env_file_name, found->line));
      },
  };
}

[[noreturn]] void refuse_file(std::string_view variable, const std::string& path,
                              const std::string& cause) {
  throw ConfigError(fmt::format("{}: {}: {}", variable, path, cause),
                    "it has to be a file with the value in it that this user may read");
}

std::string read_secret(const std::string& path, const std::string& variable) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) refuse_file(variable, path, std::generic_category().message(errno));
  std::array<char, 4096> buffer;
  std::string text;
  try {
    while (const std::size_t n = read_some(fd, buffer, {}, path)) {
      text.append(buffer.data(), n);
      if (text.size() > kMostSecret) break;
    }
  } catch (const Error& e) {  // a directory
    throw ConfigError(fmt::format("{}: {}", variable, e.what()), e.hint());
  }
  if (text.size() > kMostSecret) refuse_file(variable, path, "longer than 64 KiB");
  if (text.find('\0') != std::string::npos) refuse_file(variable, path, "holds a NUL byte");
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) refuse_file(variable, path, "is empty");
  return text;
}

std::optional<SettingValue> from_layer(const Setting& setting, const LayerLookup& layer) {
  const std::string name(setting.name);
  auto direct = layer(name);
  if (setting.kind == Setting::Kind::kPlain) return direct;
  const std::string variable = name + std::string(kFileSuffix);
  const auto file = layer(variable);
  if (!file) return direct;
  if (direct) {
    throw ConfigError(fmt::format("both {} ({}) and {} ({}) are set", name, direct->origin,
                                  variable, file->origin),
                      "keep one of them");
  }
  return SettingValue{
      .text = read_secret(file->text, variable),
      .origin = fmt::format("file {} ({}, {})", file->text, variable, file->origin)};
}

std::optional<SettingValue> resolve_one(const Setting& setting, const SettingLayers& layers) {
  const auto flag = layers.flags.find(std::string(setting.flag));
  if (!setting.flag.empty() && flag != layers.flags.end()) {
    if (flag->second.empty()) {
      throw ConfigError(fmt::format("flag --{}: an empty value", setting.flag),
                        fmt::format("leave the flag out to use {} or its default", setting.name));
    }
    return SettingValue{.text = flag->second, .origin = fmt::format("flag --{}", setting.flag)};
  }
  for (const LayerLookup& layer : layers_in_order(layers)) {
    if (auto value = from_layer(setting, layer)) return value;
  }
  return not_empty(std::string(setting.initial), "default");
}

}  // namespace

Settings Settings::resolve(std::span<const Setting> table, const SettingLayers& layers) {
  Settings settings;
  settings.table_ = table;
  for (const Setting& setting : table) {
    if (auto value = resolve_one(setting, layers)) {
      settings.values_.emplace(setting.name, std::move(*value));
    }
  }
  return settings;
}

std::optional<SettingValue> Settings::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::string Settings::text(std::string_view name) const {
  const auto value = find(name);
  return value ? value->text : "";
}

std::string Settings::origin(std::string_view name) const {
  const auto value = find(name);
  return value ? value->origin : "";
}

std::vector<std::string> unknown_settings(std::span<const Setting> table,
                                          const std::vector<NameInUse>& names,
                                          std::string_view prefix) {
  std::vector<std::string> known;
  for (const Setting& setting : table) {
    known.emplace_back(setting.name);
    if (setting.kind != Setting::Kind::kPlain) {
      known.push_back(std::string(setting.name) + std::string(kFileSuffix));
    }
  }
  std::vector<std::string> warnings;
  for (const auto& [name, origin] : names) {
    if (!name.starts_with(prefix) || std::ranges::find(known, name) != known.end()) continue;
    const auto close = nearest(name, known);
    warnings.push_back(fmt::format("{}: {} is not known{}", origin, printable(name),
                                   close ? fmt::format(": did you mean {}?", *close) : ""));
  }
  return warnings;
}

}  // namespace pgstow
