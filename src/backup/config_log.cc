#include "backup/config_log.h"

#include <fmt/format.h>

#include "backup/config_stores.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::uint64_t kLeastLogSize = 4096;
constexpr std::int64_t kMostLogFiles = 1000;

std::uint64_t read_log_size(const Settings& settings) {
  const auto size = parse_bytes(settings.text("BACKUP_LOG_MAX_SIZE"));
  if (!size || (*size > 0 && *size < kLeastLogSize)) {
    refuse(settings, "BACKUP_LOG_MAX_SIZE",
           "a number of bytes from 4K, such as 10M; or 0: it is not rotated");
  }
  return *size;
}

unsigned read_log_keep(const Settings& settings) {
  const auto keep = parse_int(settings.text("BACKUP_LOG_KEEP"));
  if (!keep || *keep < 0 || *keep > kMostLogFiles) {
    refuse(settings, "BACKUP_LOG_KEEP", fmt::format("0 to {}", kMostLogFiles));
  }
  return static_cast<unsigned>(*keep);
}

}  // namespace

LogFormat read_log_format(const Settings& settings) {
  const std::string text = lower(settings.text("BACKUP_LOG_FORMAT"));
  if (text == "text") return LogFormat::kText;
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  refuse(settings, "BACKUP_LOG_FORMAT", "text, logfmt or json");
}

Level read_log_level(const Settings& settings) {
  const std::string text = lower(settings.text("BACKUP_LOG_LEVEL"));
  if (text == "debug") return Level::kDebug;
  if (text == "info") return Level::kInfo;
  if (text == "warning" || text == "warn") return Level::kWarning;
  if (text == "error") return Level::kError;
  refuse(settings, "BACKUP_LOG_LEVEL", "debug, info, warning or error");
}

LogFileRule read_log_file(const Settings& settings) {
  return {.path = read_path(settings, "BACKUP_LOG_FILE"),
          .max_size = read_log_size(settings),
          .keep = read_log_keep(settings)};
}

}  // namespace pgstow
