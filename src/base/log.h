// The log: one line an event on standard error, as text for people, logfmt or JSON for machines.
#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace pgstow {

enum class LogFormat { kText, kLogfmt, kJson };
enum class Level { kDebug, kInfo, kWarning, kError };

// Structured facts of an event: stable keys, values as text.
using Facts = std::vector<std::pair<std::string_view, std::string>>;

// Thread-safe. Every line passes the redaction: a registered secret is printed as "***".
class Log {
 public:
  Log(const Clock& clock, LogFormat format, Level least, std::FILE* out = stderr);

  // Never prints this text again. Empty and one-character texts are ignored.
  void redact(std::string secret);
  std::string redacted(std::string_view text) const;

  void debug(std::string_view message, const Facts& facts = {}) const;
  void info(std::string_view message, const Facts& facts = {}) const;
  void warning(std::string_view message, const Facts& facts = {}) const;
  void error(std::string_view message, const Facts& facts = {}) const;

  LogFormat format() const { return format_; }
  bool quiet() const { return least_ > Level::kInfo; }

 private:
  void write(Level level, std::string_view message, const Facts& facts) const;

  const Clock& clock_;
  const LogFormat format_;
  const Level least_;
  std::FILE* const out_;
  mutable std::mutex mutex_;  // guards secrets_ and out_
  std::vector<std::string> secrets_;
};

// A JSON string literal (RFC 8259) of the text, quotes included; invalid UTF-8 becomes U+FFFD.
// Writes to standard error at once. That it fails can be told nowhere.
void to_stderr(std::string_view text);

std::string json_string(std::string_view text);

}  // namespace pgstow
