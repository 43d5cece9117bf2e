#include "base/log.h"

#include <algorithm>
#include <functional>

namespace pgstow {

Log::Log(const Clock& clock, LogFormat format, Level least, std::FILE* out)
    : clock_(clock),
      format_(format),
      least_(least),
      own_out_(std::make_unique<StreamOutput>(out)),
      out_(own_out_.get()) {}

Log::Log(const Clock& clock, LogFormat format, Level least, LogOutput& out)
    : clock_(clock), format_(format), least_(least), out_(&out) {}

Log::Log(const Log& parent, LogTail& tail)
    : clock_(parent.clock_),
      format_(parent.format_),
      least_(parent.least_),
      parent_(&parent),
      tail_(&tail) {}

void Log::redact(std::string secret) {
  if (secret.size() < 2) return;
  const std::scoped_lock lock(secrets_mutex_);
  secrets_.push_back(std::move(secret));
  // The longest first: one that another begins with would leave that one's end to be read.
  std::ranges::stable_sort(secrets_, std::ranges::greater(), &std::string::size);
}

std::string Log::redacted(std::string_view text) const {
  std::string out = parent_ != nullptr ? parent_->redacted(text) : std::string(text);
  const std::scoped_lock lock(secrets_mutex_);
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
  if (level < least_ && tail_ == nullptr) return;
  // Before anything is escaped: an escaped secret would not be found.
  const std::string text = redacted(message);
  Facts clean = facts;
  for (auto& [key, value] : clean) value = redacted(value);
  pass_on({.time = clock_.now(), .level = level, .message = text, .facts = clean});
}

void Log::pass_on(const LogLine& line) const {
  if (tail_ != nullptr) tail_->add(line);
  if (parent_ != nullptr) {
    parent_->pass_on(line);
  } else if (line.level >= least_) {
    const std::scoped_lock lock(out_mutex_);
    out_->write(line, format_);
  }
}

void to_stderr(std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace pgstow
