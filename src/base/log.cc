#include "base/log.h"

#include <fmt/format.h>

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

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos;
}

// A logfmt value: bare when it can be, a JSON string otherwise.
std::string logfmt_value(std::string_view value) {
  const std::string clean = printable(value);
  return needs_quotes(clean) || clean != value ? json_string(value) : clean;
}

std::string logfmt_line(Time now, Level level, std::string_view message, const Facts& facts) {
  std::string line = fmt::format("time={} level={} msg={}", rfc3339(now), name(level),
                                 logfmt_value(message));
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
  std::string line = format_ == LogFormat::kText     ? text_line(now, level, message, facts)
                     : format_ == LogFormat::kLogfmt ? logfmt_line(now, level, message, facts)
                                                     : json_line(now, level, message, facts);
  line = redacted(line) + "\n";
  const std::scoped_lock lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  const std::string clean = printable(text);
  // Valid text without control characters needs only its quotes and backslashes escaped.
  if (clean == text) {
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  }
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t next = text.find_first_of("\n\t\"\\", i);
    if (next == i) {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '"' ? "\\\"" : "\\\\";
      ++i;
      continue;
    }
    const std::string_view run = text.substr(i, next - i);
    if (printable(run) == run) {
      out += run;
    } else {
      for (const char byte : run) {
        const auto u = static_cast<unsigned char>(byte);
        out += u < 0x20 || u == 0x7F ? fmt::format("\\u{:04x}", u)
               : u < 0x80            ? std::string(1, byte)
                                     : std::string("\xEF\xBF\xBD");
      }
    }
    i += run.size();
  }
  return out + "\"";
}

}  // namespace pgstow
