// One event of the log, and how it is written: as text for people, logfmt or JSON for machines.
#pragma once

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

// Secrets are taken out of it already. Lent for a call.
struct LogLine {
  Time time = {};
  Level level = Level::kInfo;
  std::string_view message = {};
  const Facts& facts;
};

// One line, with its newline; nothing in the event can make it two.
std::string to_text(const LogLine& line, LogFormat format);
// As systemd's journal takes it from a standard stream (sd-daemon(3)): "<6>" before it, the
// syslog(3) priority. Text has no time and no level, which the journal keeps beside it; logfmt and
// JSON keep their keys, for whoever reads them out of the journal.
std::string journal_text(const LogLine& line, LogFormat format);

// A JSON string literal (RFC 8259) of the text, quotes included; invalid UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text);

}  // namespace pgstow
