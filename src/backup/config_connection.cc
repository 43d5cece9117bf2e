#include "backup/config_connection.h"

#include <fmt/format.h>

#include <map>

#include "base/environment.h"
#include "base/text.h"
#include "pg/resolved.h"

namespace pgstow {
namespace {

// The docker image's variable that gave this parameter, when it was not the URL.
std::string image_variable(const std::string& keyword, const Settings& settings) {
  static const std::map<std::string, std::string> kVariables{{"host", "POSTGRES_HOST"},
                                                             {"port", "POSTGRES_PORT"},
                                                             {"user", "POSTGRES_USER"},
                                                             {"password", "POSTGRES_PASSWORD"},
                                                             {"dbname", "POSTGRES_DB"}};
  const auto found = kVariables.find(keyword);
  if (found == kVariables.end()) return "";
  const bool by_user = keyword == "dbname" && settings.text("POSTGRES_DB").empty();
  return by_user ? "POSTGRES_USER" : found->second;
}

std::string origin_of_parameter(const std::string& keyword, const Config& config) {
  const auto url = config.settings.find("DATABASE_URL");
  if (url && pg::parse_url(url->text).parameters.contains(keyword)) {
    return "DATABASE_URL " + url->origin;
  }
  const std::string variable = image_variable(keyword, config.settings);
  return variable + " " + config.settings.origin(variable);
}

std::string origin_of(const pg::ResolvedValue& value, const Config& config) {
  using From = pg::ResolvedValue::From;
  switch (value.from) {
    case From::kParameter:
      return origin_of_parameter(value.keyword, config);
    case From::kEnvironment: {
      const auto from_file = config.libpq_from_file.find(value.detail);
      return value.detail + " " +
             (from_file == config.libpq_from_file.end() ? "environment" : from_file->second);
    }
    case From::kService:
      return "service " + value.detail;
    case From::kPasswordFile:
      return "password file";
    case From::kDefault:
      break;
  }
  return value.keyword == "dbname" ? "default: as the user" : "default";
}

// How the server is reached, when not by its address alone.
std::vector<ShownValue> shown_way(const Config& config) {
  const auto line = [&](const char* name, const char* variable) {
    return ShownValue{.name = name,
                      .value = config.settings.text(variable),
                      .origin = config.settings.origin(variable)};
  };
  if (!config.place.container.empty()) return {line("container", "BACKUP_CONTAINER")};
  if (!config.place.exec.empty()) return {line("exec", "BACKUP_EXEC")};
  return {};
}

// That a database is called as its user is said last.
bool is_left_to_container(const pg::ResolvedValue& value, const pg::Place& place) {
  if (value.from == pg::ResolvedValue::From::kDefault) return true;
  return value.keyword == "dbname" && value.from == pg::ResolvedValue::From::kParameter &&
         !place.server.contains("dbname") && place.image.database.empty();
}

bool is_address(const std::string& keyword) {
  return keyword == "host" || keyword == "hostaddr" || keyword == "port";
}

}  // namespace

std::vector<ShownValue> shown_connection(const Config& config) {
  const bool contained = !config.place.container.empty();
  pg::ConnectionTarget named{.parameters = config.place.server, .warnings = {}};
  if (contained) pg::apply_image_variables(named, config.place.image, environment);
  const pg::ResolvedTarget target = pg::resolve_target(named.parameters);
  std::vector<ShownValue> lines = shown_way(config);
  for (const pg::ResolvedValue& value : target.values) {
    if (contained && is_address(value.keyword)) continue;
    ShownValue line{.name = value.keyword == "dbname" ? "database" : value.keyword,
                    .value = value.value,
                    .origin = origin_of(value, config)};
    if (contained && is_left_to_container(value, config.place)) {
      line.value.reset();
      line.origin = "as the container says";
    }
    lines.push_back(std::move(line));
  }
  if (!target.problem.empty()) {
    lines.push_back({.name = "problem", .value = target.problem, .origin = "libpq"});
  }
  return lines;
}

}  // namespace pgstow
