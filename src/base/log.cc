#include "base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/text.h"

namespace pgstow {
namespace {

std::string_view name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "?";
}

// One character, as it may stand in a JSON string.
std::string json_character(std::string_view character) {
  const auto c = static_cast<unsigned char>(character.front());
  if (c == '"' || c == '\\') return {'\\', character.front()};
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  if (c < 0x20 || c == 0x7F) return fmt::format("\\u{:04x}", c);
  if (is_c1_control(character)) {
    return fmt::format("\\u{:04x}", static_cast<unsigned char>(character[1]));
  }
  return std::string(character);
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos;
}

// A logfmt value: bare when it can be, a JSON string otherwise.
std::string logfmt_value(std::string_view value) {
  const std::string clean = printable(value);
  return needs_quotes(clean) || clean != value ? json_string(value) : clean;
}

std::string logfmt_line(Time now, Level level, std::string_view message, const Facts& facts) {
  std::string line =
      fmt::format("time={} level={} msg={}", rfc3339(now), name(level), logfmt_value(message));
  for (const auto& [key, value] : facts) line += fmt::format(" {}={}", key, logfmt_value(value));
  return line;
}

std::string json_line(Time now, Level level, std::string_view message, const Facts& facts) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","msg":{})", rfc3339(now),
                                 name(level), json_string(message));
  for (const auto& [key, value] : facts) {
    line += fmt::format(",{}:{}", json_string(key), json_string(value));
  }
  return line + "}";
}

std::string text_line(Time now, Level level, std::string_view message, const Facts& facts) {
  std::string line = fmt::format("{} {:<7} {}", local_time(now), name(level), printable(message));
  for (const auto& [key, value] : facts) line += fmt::format(" {}={}", key, logfmt_value(value));
  return line;
}

}  // namespace

Log::Log(const Clock& clock, LogFormat format, Level least, std::FILE* out)
    : clock_(clock), format_(format), least_(least), out_(out) {}

void Log::redact(std::string secret) {
  if (secret.size() < 2) return;
  const std::scoped_lock lock(mutex_);
  secrets_.push_back(std::move(secret));
  // The longest first: one that another begins with would leave that one's end to be read.
  std::ranges::stable_sort(secrets_, std::ranges::greater(), &std::string::size);
}

std::string Log::redacted(std::string_view text) const {
  std::string out(text);
  const std::scoped_lock lock(mutex_);
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = out.find(secret, at)) != std::string::npos; at += 3) {
      out.replace(at, secret.size(), "***");
    }
  }
  return out;
}

void Log::debug(std::string_view message, const Facts& facts) const {
  write(Level::kDebug, message, facts);
}
void Log::info(std::string_view message, const Facts& facts) const {
  write(Level::kInfo, message, facts);
}
void Log::warning(std::string_view message, const Facts& facts) const {
  write(Level::kWarning, message, facts);
}
void Log::error(std::string_view message, const Facts& facts) const {
  write(Level::kError, message, facts);
}

void Log::write(Level level, std::string_view message, const Facts& facts) const {
  if (level < least_) return;
  const Time now = clock_.now();
  // Before anything is escaped: an escaped secret would not be found.
  const std::string text = redacted(message);
  Facts clean = facts;
  for (auto& [key, value] : clean) value = redacted(value);
  std::string line = format_ == LogFormat::kText     ? text_line(now, level, text, clean)
                     : format_ == LogFormat::kLogfmt ? logfmt_line(now, level, text, clean)
                                                     : json_line(now, level, text, clean);
  line += '\n';
  const std::scoped_lock lock(mutex_);
  // That a log can't be written can be told nowhere; it fails no backup.
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), out_));
  static_cast<void>(std::fflush(out_));
}

void to_stderr(std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    out += length == 0 ? "\xEF\xBF\xBD" : json_character(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + "\"";
}

}  // namespace pgstow
