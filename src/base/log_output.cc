#include "base/log_output.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>

namespace pgstow {

StreamOutput::StreamOutput(std::FILE* out) : out_(out), journal_(is_journal(out)) {}

void StreamOutput::write(const LogLine& line, LogFormat format) {
  const std::string text = journal_ ? journal_text(line, format) : to_text(line, format);
  // That a log can't be written can be told nowhere; it fails no backup.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), out_));
  static_cast<void>(std::fflush(out_));
}

bool is_journal(std::FILE* stream) {
  const char* named = std::getenv("JOURNAL_STREAM");
  struct stat s{};
  if (named == nullptr || ::fstat(::fileno(stream), &s) != 0) return false;
  return fmt::format("{}:{}", s.st_dev, s.st_ino) == named;
}

}  // namespace pgstow
