#include "backup/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "backup/config_log.h"
#include "backup/config_place.h"
#include "backup/config_s3.h"
#include "backup/config_state.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::int64_t kMostJobs = 256;
constexpr std::int64_t kMostKept = 100'000;
constexpr unsigned kMostDefaultJobs = 16;  // more only cost memory: one dump is no faster

constexpr std::int64_t kLongestDuration = 3650LL * 86400;
constexpr std::int64_t kLongestLockTimeout = 24LL * 86400;  // pg_dump takes 31 bits of milliseconds

std::vector<NameInUse> names_in_use(const EnvFile& file) {
  std::vector<NameInUse> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    names.push_back({std::string(text.substr(0, text.find('='))), "environment"});
  }
  for (const EnvEntry& entry : file.entries) {
    names.push_back({entry.name, fmt::format("{}:{}", file.name, entry.line)});
  }
  return names;
}

EnvFile find_env_file(const std::optional<std::string>& path) {
  if (path) return read_env_file(*path, environment);
  if (::access(".env", F_OK) != 0 && errno == ENOENT) return {};
  return read_env_file(".env", environment);
}

// libpq reads its variables from the environment only; what is set there already wins.
// Returns what it took, with where it stands.
std::map<std::string, std::string> export_libpq_variables(const EnvFile& file) {
  std::map<std::string, std::string> taken;
  const std::vector<std::string> names = pg::libpq_variables();
  for (const EnvEntry& entry : file.entries) {
    if (std::ranges::find(names, entry.name) == names.end() || entry.value.empty()) continue;
    if (environment(entry.name).value_or("").empty()) {
      ::setenv(entry.name.c_str(), entry.value.c_str(), 1);
      taken[entry.name] = fmt::format("{}:{}", file.name, entry.line);
    }
  }
  return taken;
}

std::chrono::seconds read_duration(const Settings& settings, std::string_view name,
                                   std::int64_t longest) {
  const auto seconds = parse_seconds(settings.text(name));
  if (!seconds || *seconds > longest) {
    refuse(settings, name,
           fmt::format("a number with s, m, h or d, such as 90s or 15m; {}d at most",
                       longest / 86400));
  }
  return std::chrono::seconds(*seconds);
}

unsigned read_jobs(const Settings& settings) {
  if (!settings.find("BACKUP_JOBS")) {
    return std::clamp(std::thread::hardware_concurrency(), 1U, kMostDefaultJobs);
  }
  const auto jobs = parse_int(settings.text("BACKUP_JOBS"));
  if (!jobs || *jobs < 1 || *jobs > kMostJobs) refuse(settings, "BACKUP_JOBS", "1 to 256");
  return static_cast<unsigned>(*jobs);
}

int read_count(const Settings& settings, std::string_view name) {
  const auto count = parse_int(settings.text(name));
  if (!count || *count < 0 || *count > kMostKept) {
    refuse(settings, name, fmt::format("0 to {}", kMostKept));
  }
  return static_cast<int>(*count);
}

RetentionRule read_retention(const Settings& settings) {
  const RetentionRule rule{
      .daily = read_count(settings, "BACKUP_KEEP_DAILY"),
      .weekly = read_count(settings, "BACKUP_KEEP_WEEKLY"),
      .monthly = read_count(settings, "BACKUP_KEEP_MONTHLY"),
      .yearly = read_count(settings, "BACKUP_KEEP_YEARLY"),
      .last = read_count(settings, "BACKUP_KEEP_LAST"),
      .within = read_duration(settings, "BACKUP_KEEP_WITHIN", kLongestDuration),
      .one_a_day = read_bool(settings, "BACKUP_KEEP_ONE_A_DAY")};
  const bool none = rule.daily + rule.weekly + rule.monthly + rule.yearly + rule.last == 0;
  if (none && rule.within.count() == 0) {
    refuse(settings, "BACKUP_KEEP_DAILY",
           "more than 0 in at least one BACKUP_KEEP_...; to keep all, set BACKUP_ROTATION=false");
  }
  return rule;
}

Zone read_zone(const Settings& settings) {
  const std::string name = settings.text("BACKUP_TIMEZONE");
  if (name.empty()) return Zone::local_to_host();
  try {
    return Zone::load(name);
  } catch (Error& e) {
    e.within(fmt::format("BACKUP_TIMEZONE ({})", settings.origin("BACKUP_TIMEZONE")));
    throw;
  }
}

Compression read_compression(const Settings& settings) {
  try {
    return parse_compression(settings.text("BACKUP_COMPRESSION"));
  } catch (Error& e) {
    e.within(fmt::format("BACKUP_COMPRESSION ({})", settings.origin("BACKUP_COMPRESSION")));
    throw;
  }
}

std::optional<DatabaseRule> read_databases(const Settings& settings) {
  const auto text = settings.find("BACKUP_DATABASES");
  if (!text) return std::nullopt;
  try {
    return DatabaseRule::parse(text->text);
  } catch (Error& e) {
    e.within(fmt::format("BACKUP_DATABASES ({})", text->origin));
    throw;
  }
}

std::string read_port(const Settings& settings) {
  const std::string text = settings.text("POSTGRES_PORT");
  const auto port = parse_int(text);
  if (!text.empty() && (!port || *port < 1 || *port > 65535)) {
    refuse(settings, "POSTGRES_PORT", "1 to 65535");
  }
  return text;
}

// The URL, and below it what docker images call the same things; with a container they wait for
// what it says itself (read_place).
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
  if (settings.find("BACKUP_CONTAINER")) return target;
  pg::apply_image_variables(target,
                            {.user = settings.text("POSTGRES_USER"),
                             .password = settings.text("POSTGRES_PASSWORD"),
                             .database = settings.text("POSTGRES_DB"),
                             .host = settings.text("POSTGRES_HOST"),
                             .port = read_port(settings)},
                            environment);
  return target;
}

std::vector<std::string> secrets_of(const Config& config) {
  std::vector<std::string> secrets;
  const auto add = [&](const std::string& secret) {
    if (!secret.empty()) secrets.push_back(secret);
  };
  const auto add_all = [&](const Settings& settings) {
    for (const Setting& setting : settings.table()) {
      if (setting.kind == Setting::Kind::kSecret) add(settings.text(setting.name));
    }
  };
  add_all(config.settings);
  for (const auto& named : config.named) add_all(named->settings);
  const auto password = config.target.parameters.find("password");
  if (password != config.target.parameters.end()) add(password->second);
  add(environment("PGPASSWORD").value_or(""));
  return secrets;
}

// Links and mounts looked through as far as the folders exist.
void refuse_one_folder_twice(const std::vector<StoreSettings>& stores) {
  for (auto one = stores.begin(); one != stores.end(); ++one) {
    for (auto other = stores.begin(); other != one; ++other) {
      if (one->s3 || other->s3) continue;
      std::error_code ignored;  // what does not exist is compared by its path
      const bool same =
          std::filesystem::weakly_canonical(std::filesystem::absolute(one->folder)) ==
              std::filesystem::weakly_canonical(std::filesystem::absolute(other->folder)) ||
          std::filesystem::equivalent(one->folder, other->folder, ignored);
      if (!same) continue;
      throw ConfigError(fmt::format("BACKUP_STORES: {} and {} are the same folder, {}", other->name,
                                    one->name, one->folder.native()),
                        "give each store a place of its own");
    }
  }
}

void refuse_one_bucket_twice(const std::vector<StoreSettings>& stores) {
  std::map<std::string, std::string> seen;
  for (const StoreSettings& store : stores) {
    if (!store.s3) continue;
    const S3Settings& s3 = store.s3->settings;
    const std::string place = fmt::format("{} s3://{}/{}", s3.endpoint, s3.bucket, s3.prefix);
    const auto [other, fresh] = seen.emplace(place, store.name);
    if (fresh) continue;
    throw ConfigError(fmt::format("BACKUP_STORES: {} and {} are the same place, s3://{}/{}",
                                  other->second, store.name, s3.bucket, s3.prefix),
                      "give each store a bucket or a prefix of its own");
  }
}

// AWS_... variables for the S3 stores: those that are settings of ours may also come from .env and
// from files.
Lookup aws_variables(const Settings& settings, const SettingLayers& layers) {
  std::map<std::string, std::string> ours;
  for (const EnvEntry& entry : layers.env_file) ours[entry.name] = entry.value;
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}) {
    if (const auto value = settings.find(name)) ours[name] = value->text;
  }
  return [ours = std::move(ours),
          lookup = layers.environment](const std::string& name) -> std::optional<std::string> {
    auto outer = lookup(name);
    if (outer && !outer->empty()) return outer;
    const auto found = ours.find(name);
    return found == ours.end() ? std::nullopt : std::optional(found->second);
  };
}

std::filesystem::path read_folder(const Settings& settings, const std::string& store) {
  const std::string variable = store_variable(store, "PATH");
  std::filesystem::path folder = read_path(settings, variable);
  if (!folder.empty()) return folder;
  throw ConfigError(fmt::format("BACKUP_STORES: {} has no folder", store), "set " + variable);
}

// The settings of every further store, and the stores themselves in their order.
void read_stores(Config& config, const SettingLayers& layers) {
  const Lookup aws = aws_variables(config.settings, layers);
  for (const std::string& name : store_names(config.settings)) {
    StoreSettings store{.name = name, .delivers = delivers(config.settings, name)};
    const Settings* settings = &config.settings;
    if (name.find(':') != std::string::npos) {
      config.named.push_back(
          std::make_shared<const NamedSettings>(named_settings(name, settings_table(), layers)));
      settings = &config.named.back()->settings;
    }
    if (name.starts_with("s3")) {
      store.s3 = read_s3(*settings, name, aws);
    } else {
      store.folder = read_folder(*settings, name);
    }
    config.stores.push_back(std::move(store));
  }
  refuse_one_folder_twice(config.stores);
  refuse_one_bucket_twice(config.stores);
  for (StoreSettings& store : config.stores) {
    if (store.s3) store.s3->settings.notes = notes_folder(config);
  }
}

std::vector<Setting> all_settings(const Config& config) {
  const std::span<const Setting> ours = settings_table();
  std::vector<Setting> all(ours.begin(), ours.end());
  for (const auto& named : config.named)
    all.insert(all.end(), named->table.begin(), named->table.end());
  return all;
}

std::vector<std::string> unknown_names(const Config& config, const EnvFile& file) {
  const std::vector<Setting> known = all_settings(config);
  std::vector<std::string> warnings;
  std::vector<NameInUse> others;
  for (NameInUse& name : names_in_use(file)) {
    const auto store = store_of_variable(name.name, settings_table());
    const bool is_known = std::ranges::find(known, name.name, &Setting::name) != known.end();
    if (!is_known && store) {
      warnings.push_back(fmt::format("{}: {} is for a store {}, which BACKUP_STORES does not name",
                                     name.origin, printable(name.name), printable(*store)));
    } else {
      others.push_back(std::move(name));
    }
  }
  const std::vector<std::string> unknown = unknown_settings(known, others, "BACKUP_");
  warnings.insert(warnings.end(), unknown.begin(), unknown.end());
  return warnings;
}

bool holds_password_in_flag(const Settings& settings) {
  const auto url = settings.find("DATABASE_URL");
  return url && url->origin.starts_with("flag ") &&
         pg::parse_url(url->text).parameters.contains("password");
}

// GLACIER_IR is none: its objects are read at once.
bool is_archive_class(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

std::vector<std::string> warnings_of(const Config& config, const EnvFile& file) {
  std::vector<std::string> warnings = file.warnings;
  const auto append = [&](const std::vector<std::string>& more) {
    warnings.insert(warnings.end(), more.begin(), more.end());
  };
  append(unknown_names(config, file));
  append(config.target.warnings);
  if (holds_password_in_flag(config.settings)) {
    warnings.emplace_back(
        "flag --url: every user of this host can read the password in it: set DATABASE_URL in the "
        "environment or .env, or keep the password in ~/.pgpass");
  }
  for (const StoreSettings& store : config.stores) {
    if (store.s3 && is_archive_class(store.s3->settings.storage_class)) {
      warnings.push_back(fmt::format(
          "{}: what lies in {} can be verified, restored and copied only hours after it "
          "was asked for (`aws s3api restore-object`)",
          store_variable(store.name, "STORAGE_CLASS"), store.s3->settings.storage_class));
    }
    if (store.delivers) continue;
    warnings.push_back(fmt::format(
        "{} is read, but no backups go there: BACKUP_S3_ENABLED=true sends them, =false hides it",
        store.s3->settings.bucket));
  }
  return warnings;
}

}  // namespace

Config load_config(const std::map<std::string, std::string>& flags,
                   const std::optional<std::string>& env_file) {
  const EnvFile file = find_env_file(env_file);
  Config config;
  config.libpq_from_file = export_libpq_variables(file);
  const SettingLayers layers{.flags = flags,
                             .environment = environment,
                             .env_file_name = env_file.value_or(".env"),
                             .env_file = file.entries};
  config.settings = Settings::resolve(settings_table(), layers);
  const Settings& s = config.settings;
  config.target = read_target(s);
  config.place = read_place(s, config.target);
  config.local_path = read_path(s, "BACKUP_LOCAL_PATH");
  config.state_path = read_path(s, "BACKUP_STATE_PATH");
  read_stores(config, layers);
  config.rotation = read_bool(s, "BACKUP_ROTATION");
  config.retention = read_retention(s);
  config.zone = read_zone(s);
  config.compression = read_compression(s);
  config.jobs = read_jobs(s);
  config.lock_timeout = read_duration(s, "BACKUP_LOCK_TIMEOUT", kLongestLockTimeout);
  config.give_way_after = read_duration(s, "BACKUP_GIVE_WAY_AFTER", kLongestLockTimeout);
  config.stall_timeout = read_duration(s, "BACKUP_STALL_TIMEOUT", kLongestDuration);
  config.pg_bin = read_path(s, "BACKUP_PG_BIN");
  config.maintenance_db = s.text("BACKUP_MAINTENANCE_DB");
  config.databases = read_databases(s);
  config.globals = read_bool(s, "BACKUP_GLOBALS");
  config.log_format = read_log_format(s);
  config.log_level = read_log_level(s);
  config.log_file = read_log_file(s);
  config.warnings = warnings_of(config, file);
  config.secrets = secrets_of(config);
  return config;
}

}  // namespace pgstow
