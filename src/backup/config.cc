#include "backup/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

extern char** environ;

namespace pgstow {
namespace {

constexpr std::string_view kMask = "********";
constexpr std::int64_t kMostJobs = 256;

constexpr std::array kTable{
    Setting{"DATABASE_URL", "url", "", "Database, as postgresql://user:password@host:5432/name",
            true},
    Setting{"POSTGRES_HOST", "", "", "Host, unless the URL or PGHOST names one"},
    Setting{"POSTGRES_PORT", "", "", "Port, unless the URL or PGPORT names one"},
    Setting{"POSTGRES_USER", "", "", "Role, unless the URL or PGUSER names one"},
    Setting{"POSTGRES_PASSWORD", "", "", "Password, unless the URL or PGPASSWORD has one", true},
    Setting{"POSTGRES_DB", "", "", "Database, unless the URL or PGDATABASE names one"},
    Setting{"BACKUP_LOCAL_PATH", "local-path", "./backups", "Directory for local backups"},
    Setting{"BACKUP_COMPRESSION", "compression", "gzip:2", "gzip:1 to gzip:12, zstd:1 to zstd:19"},
    Setting{"BACKUP_JOBS", "jobs", "", "Threads that compress (default: the cores)"},
    Setting{"BACKUP_LOCK_TIMEOUT", "lock-timeout", "60s",
            "How long a table's lock may be waited for"},
    Setting{"BACKUP_STALL_TIMEOUT", "stall-timeout", "15m",
            "A dump that does not move for so long has failed; 0: never"},
    Setting{"BACKUP_PG_BIN", "pg-bin", "", "Directory of pg_dump and pg_restore (default: found)"},
    Setting{"BACKUP_MAINTENANCE_DB", "maintenance-db", "postgres",
            "Database from which others are created and renamed"},
    Setting{"BACKUP_LOG_FORMAT", "log-format", "text", "text, logfmt or json"},
    Setting{"BACKUP_LOG_LEVEL", "log-level", "info", "debug, info, warning or error"},
    Setting{"BACKUP_S3_ENABLED", "", "false", "Enable S3 backups (not in this version)"},
    Setting{"BACKUP_S3_BUCKET", "", "", "S3 bucket name (not in this version)"},
    Setting{"BACKUP_S3_REGION", "", "eu-central-1", "AWS region (not in this version)"},
    Setting{"AWS_ACCESS_KEY_ID", "", "", "AWS access key (not in this version)", true},
    Setting{"AWS_SECRET_ACCESS_KEY", "", "", "AWS secret key (not in this version)", true},
    Setting{"BACKUP_SCHEDULE_CRON", "", "0 3 * * *",
            "Cron schedule for backups (not in this version)"},
};

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

bool environment_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

EnvFile find_env_file(const std::optional<std::string>& path) {
  if (path) return read_env_file(*path, environment);
  if (::access(".env", F_OK) != 0) return {};
  return read_env_file(".env", environment);
}

// libpq reads its variables from the environment only; what is there already wins.
void export_libpq_variables(const EnvFile& file) {
  for (const EnvEntry& entry : file.entries) {
    if (entry.name.starts_with("PG") && !entry.name.starts_with("PGSTOW")) {
      ::setenv(entry.name.c_str(), entry.value.c_str(), 0);
    }
  }
}

[[noreturn]] void refuse(const Settings& settings, std::string_view name,
                         const std::string& allowed) {
  throw ConfigError(fmt::format("{}: \"{}\" is not allowed ({})", name,
                                printable(settings.text(name)), settings.origin(name)),
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

std::chrono::seconds read_duration(const Settings& settings, std::string_view name) {
  const std::string text = settings.text(name);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_int(std::string_view(text).substr(0, digits));
  const std::string unit = text.substr(digits);
  const std::int64_t seconds = unit.empty() || unit == "s" ? 1
                               : unit == "m"               ? 60
                               : unit == "h"               ? 3600
                               : unit == "d"               ? 86400
                                                           : 0;
  if (!number || seconds == 0 || *number > 10000000) {
    refuse(settings, name, "a number with s, m, h or d, such as 90s or 15m");
  }
  return std::chrono::seconds(*number * seconds);
}

unsigned read_jobs(const Settings& settings) {
  if (!settings.find("BACKUP_JOBS")) return std::max(1U, std::thread::hardware_concurrency());
  const auto jobs = parse_int(settings.text("BACKUP_JOBS"));
  if (!jobs || *jobs < 1 || *jobs > kMostJobs) refuse(settings, "BACKUP_JOBS", "1 to 256");
  return static_cast<unsigned>(*jobs);
}

LogFormat read_log_format(const Settings& settings) {
  const std::string text = settings.text("BACKUP_LOG_FORMAT");
  if (text == "text") return LogFormat::kText;
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  refuse(settings, "BACKUP_LOG_FORMAT", "text, logfmt or json");
}

Level read_log_level(const Settings& settings) {
  const std::string text = settings.text("BACKUP_LOG_LEVEL");
  if (text == "debug") return Level::kDebug;
  if (text == "info") return Level::kInfo;
  if (text == "warning") return Level::kWarning;
  if (text == "error") return Level::kError;
  refuse(settings, "BACKUP_LOG_LEVEL", "debug, info, warning or error");
}

// The URL, and below it what docker images call the same things.
pg::ConnectionTarget read_target(const Settings& settings) {
  pg::ConnectionTarget target;
  if (const auto url = settings.find("DATABASE_URL")) {
    try {
      target = pg::parse_url(url->text);
    } catch (Error& e) {
      e.within(url->origin);
      throw;
    }
  }
  // A service says all of this itself, and explicit parameters would override it.
  if (target.parameters.contains("service") || environment_set("PGSERVICE")) return target;
  const auto fill = [&](const char* keyword, const char* libpq_name, std::string value) {
    if (value.empty() || environment_set(libpq_name)) return;
    target.parameters.try_emplace(keyword, std::move(value));
  };
  const std::string database = settings.text("POSTGRES_DB");
  fill("host", "PGHOST", settings.text("POSTGRES_HOST"));
  fill("port", "PGPORT", settings.text("POSTGRES_PORT"));
  fill("user", "PGUSER", settings.text("POSTGRES_USER"));
  fill("dbname", "PGDATABASE", database.empty() ? settings.text("POSTGRES_USER") : database);
  fill("password", "PGPASSWORD", settings.text("POSTGRES_PASSWORD"));
  return target;
}

std::vector<std::string> secrets_of(const Config& config) {
  std::vector<std::string> secrets;
  for (const Setting& setting : settings_table()) {
    if (setting.secret && setting.name != "DATABASE_URL" && config.settings.find(setting.name)) {
      secrets.push_back(config.settings.text(setting.name));
    }
  }
  const auto password = config.target.parameters.find("password");
  if (password != config.target.parameters.end()) secrets.push_back(password->second);
  if (environment_set("PGPASSWORD")) secrets.emplace_back(std::getenv("PGPASSWORD"));
  return secrets;
}

std::vector<std::string> warnings_of(const Config& config, const EnvFile& file) {
  std::vector<std::string> warnings = file.warnings;
  std::vector<std::string> names = environment_names();
  for (const EnvEntry& entry : file.entries) names.push_back(entry.name);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  for (std::string& warning : unknown_settings(kTable, names, "BACKUP_")) {
    warnings.push_back(std::move(warning));
  }
  warnings.insert(warnings.end(), config.target.warnings.begin(), config.target.warnings.end());
  if (read_bool(config.settings, "BACKUP_S3_ENABLED")) {
    warnings.emplace_back("BACKUP_S3_ENABLED: this version keeps backups locally only");
  }
  return warnings;
}

std::string shown(const Setting& setting, const SettingValue& value) {
  if (setting.name == "DATABASE_URL") return pg::mask_url(value.text);
  return setting.secret ? std::string(kMask) : printable(value.text);
}

}  // namespace

std::span<const Setting> settings_table() { return kTable; }

Config load_config(const std::map<std::string, std::string>& flags,
                   const std::optional<std::string>& env_file) {
  const EnvFile file = find_env_file(env_file);
  export_libpq_variables(file);
  Config config;
  config.settings = Settings::resolve(kTable, {.flags = flags,
                                               .environment = environment,
                                               .env_file_name = env_file.value_or(".env"),
                                               .env_file = file.entries});
  const Settings& s = config.settings;
  config.target = read_target(s);
  config.local_path = s.text("BACKUP_LOCAL_PATH");
  try {
    config.compression = parse_compression(s.text("BACKUP_COMPRESSION"));
  } catch (Error& e) {
    e.within("BACKUP_COMPRESSION (" + s.origin("BACKUP_COMPRESSION") + ")");
    throw;
  }
  config.jobs = read_jobs(s);
  config.lock_timeout = read_duration(s, "BACKUP_LOCK_TIMEOUT");
  config.stall_timeout = read_duration(s, "BACKUP_STALL_TIMEOUT");
  config.pg_bin = s.text("BACKUP_PG_BIN");
  config.maintenance_db = s.text("BACKUP_MAINTENANCE_DB");
  config.log_format = read_log_format(s);
  config.log_level = read_log_level(s);
  config.warnings = warnings_of(config, file);
  config.secrets = secrets_of(config);
  return config;
}

std::string describe_settings(const Config& config, bool json) {
  boost::json::array array;
  std::string text;
  for (const Setting& setting : settings_table()) {
    const auto value = config.settings.find(setting.name);
    const std::string shown_value = value ? shown(setting, *value) : "";
    const std::string origin = value ? value->origin : "not set";
    array.push_back({{"name", setting.name}, {"value", shown_value}, {"origin", origin}});
    text += fmt::format("{:<24} {:<32} {}\n", setting.name, value ? shown_value : "-", origin);
  }
  if (json) {
    return pretty(boost::json::object{{"schema", "pgstow.config/1"}, {"settings", array}}) + "\n";
  }
  return text +
         "\nlibpq's own variables (PGHOST, PGPASSFILE, PGSERVICE, PGSSLMODE, ...) are used as "
         "libpq uses them.\n";
}

}  // namespace pgstow
