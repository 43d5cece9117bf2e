// The log: one line an event, to standard error or wherever it is told to.
#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_output.h"
#include "base/log_tail.h"

namespace pgstow {

// Thread-safe. Every line passes the redaction: a registered secret is printed as "***".
class Log {
 public:
  Log(const Clock& clock, LogFormat format, Level least, std::FILE* out = stderr);
  // The output is lent for the log's life.
  Log(const Clock& clock, LogFormat format, Level least, LogOutput& out);
  // The log of one job: its lines go to the log it is a part of, and to the tail besides, from
  // kInfo on, whatever the parent's level. Both are lent. What others log at the same time is not
  // in the tail.
  Log(const Log& parent, LogTail& tail);

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
  void pass_on(const LogLine& line) const;

  const Clock& clock_;
  const LogFormat format_;
  const Level least_;
  const Log* const parent_ = nullptr;
  LogTail* const tail_ = nullptr;
  mutable std::mutex secrets_mutex_;
  std::vector<std::string> secrets_;
  mutable std::mutex out_mutex_;
  std::unique_ptr<LogOutput> own_out_;
  LogOutput* const out_ = nullptr;
};

// Writes to standard error at once. That it fails can be told nowhere.
void to_stderr(std::string_view text);

}  // namespace pgstow
