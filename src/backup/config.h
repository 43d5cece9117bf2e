// The configuration: pgstow's settings, and what they mean once they are checked.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup/config_stores.h"
#include "backup/database_rule.h"
#include "backup/retention.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/settings.h"
#include "base/zone.h"
#include "pg/access.h"
#include "pg/conninfo.h"
#include "stream/compression.h"

namespace pgstow {

struct Config {
  Settings settings;
  pg::ConnectionTarget target;
  pg::Place place;                   // the same, and how its server is reached
  std::filesystem::path local_path;  // its locks lie there even if it is no store
  std::filesystem::path state_path;  // as set; see state_folder()
  std::vector<StoreSettings> stores;
  std::vector<std::shared_ptr<const NamedSettings>> named;  // of the further stores
  std::optional<DatabaseRule> databases;  // which; nothing: the one that `place` leads to
  bool rotation = true;                   // old backups are removed after each new one
  RetentionRule retention;
  Zone zone;  // in which days begin and schedules run
  Compression compression;
  unsigned jobs = 1;
  std::chrono::seconds lock_timeout{0};
  std::chrono::seconds give_way_after{0};
  std::chrono::seconds stall_timeout{0};  // zero: never
  std::filesystem::path pg_bin;           // empty: look in the usual places
  std::string maintenance_db;
  bool globals = true;  // the server's are kept with each backup
  LogFormat log_format = LogFormat::kText;
  Level log_level = Level::kInfo;
  LogFileRule log_file;  // for the service; its path is empty where none is wanted
  std::map<std::string, std::string> libpq_from_file;  // its variables taken from .env: ".env:3"
  std::vector<std::string> warnings;
  std::vector<std::string> secrets;  // never to be printed
};

std::span<const Setting> settings_table();

// Resolves and checks everything. `flags` are those given, by the table's flag names. Without
// `env_file`, .env in the working directory is read if it is there. libpq's own variables (PGHOST,
// ...) in that file are put into the environment: to be called before any thread starts. Throws
// ConfigError naming the variable, its value and where it came from.
Config load_config(const std::map<std::string, std::string>& flags,
                   const std::optional<std::string>& env_file);

// What `pgstow config` prints: every setting, its value (secrets masked) and its origin.
std::string describe_settings(const Config& config, bool json);

}  // namespace pgstow
