// describe_settings(): what `pgstow config` prints.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "backup/config_connection.h"
#include "base/json.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kMask = "********";

using Line = ShownValue;

Line line_of(const Setting& setting, const Settings& settings, const Config& config) {
  const auto value = settings.find(setting.name);
  const std::string name(setting.name);
  if (!value && name == "BACKUP_JOBS") {
    return {.name = name, .value = std::to_string(config.jobs), .origin = "default: the cores"};
  }
  if (!value) return {.name = name, .value = std::nullopt, .origin = "not set"};
  if (setting.kind == Setting::Kind::kSecret) {
    return {.name = name, .value = std::string(kMask), .origin = value->origin};
  }
  return {.name = name,
          .value = setting.kind == Setting::Kind::kUrl ? pg::mask_url(value->text)
                                                       : pg::mask_word(value->text),
          .origin = value->origin};
}

boost::json::array array_of(const std::vector<Line>& lines) {
  boost::json::array array;
  for (const Line& line : lines) {
    boost::json::object o{{"name", line.name}, {"value", nullptr}, {"origin", line.origin}};
    if (line.value) o["value"] = *line.value;
    array.push_back(std::move(o));
  }
  return array;
}

std::string table_of(const std::vector<Line>& lines) {
  constexpr std::size_t kWidest = 48;  // a longer value pushes its own origin only
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  for (const Line& line : lines) {
    name_width = std::max(name_width, line.name.size());
    value_width = std::max(value_width, std::min(line.value.value_or("-").size(), kWidest));
  }
  std::string text;
  for (const Line& line : lines) {
    text += fmt::format("{:<{}}  {:<{}}  {}\n", line.name, name_width,
                        printable(line.value.value_or("-")), value_width, printable(line.origin));
  }
  return text;
}

}  // namespace

std::string describe_settings(const Config& config, bool json) {
  std::vector<Line> lines;
  for (const Setting& setting : settings_table())
    lines.push_back(line_of(setting, config.settings, config));
  for (const auto& named : config.named) {
    for (const Setting& setting : named->table)
      lines.push_back(line_of(setting, named->settings, config));
  }
  const std::vector<Line> connection = shown_connection(config);
  if (json) {
    return pretty(boost::json::object{{"schema", "pgstow.config/1"},
                                      {"settings", array_of(lines)},
                                      {"connection", array_of(connection)}}) +
           "\n";
  }
  return table_of(lines) +
         "\nThe connection, with libpq's own variables (PGHOST, PGSERVICE, ...):\n\n" +
         table_of(connection);
}

}  // namespace pgstow
