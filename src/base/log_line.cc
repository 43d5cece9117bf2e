#include "base/log_line.h"

#include <fmt/format.h>
#include <syslog.h>

#include <algorithm>

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

std::string logfmt_facts(const Facts& facts) {
  std::string text;
  for (const auto& [key, value] : facts) text += fmt::format(" {}={}", key, logfmt_value(value));
  return text;
}

std::string logfmt_line(const LogLine& line) {
  return fmt::format("time={} level={} msg={}{}", rfc3339(line.time), name(line.level),
                     logfmt_value(line.message), logfmt_facts(line.facts));
}

std::string json_line(const LogLine& line) {
  std::string text = fmt::format(R"({{"time":"{}","level":"{}","msg":{})", rfc3339(line.time),
                                 name(line.level), json_string(line.message));
  for (const auto& [key, value] : line.facts) {
    text += fmt::format(",{}:{}", json_string(key), json_string(value));
  }
  return text + "}";
}

// Without time and level.
std::string bare_text(const LogLine& line) {
  return printable(line.message) + logfmt_facts(line.facts);
}

std::string text_line(const LogLine& line) {
  return fmt::format("{} {:<7} {}", local_time(line.time), name(line.level), bare_text(line));
}

int syslog_priority(Level level) {
  switch (level) {
    case Level::kDebug:
      return LOG_DEBUG;
    case Level::kInfo:
      return LOG_INFO;
    case Level::kWarning:
      return LOG_WARNING;
    case Level::kError:
      return LOG_ERR;
  }
  return LOG_INFO;
}

}  // namespace

std::string to_text(const LogLine& line, LogFormat format) {
  const std::string text = format == LogFormat::kText     ? text_line(line)
                           : format == LogFormat::kLogfmt ? logfmt_line(line)
                                                          : json_line(line);
  return text + "\n";
}

std::string journal_text(const LogLine& line, LogFormat format) {
  return fmt::format("<{}>{}", syslog_priority(line.level),
                     format == LogFormat::kText ? bare_text(line) + "\n" : to_text(line, format));
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
