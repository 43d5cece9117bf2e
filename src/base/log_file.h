// A log in a file of its own, which is rotated: FILE, FILE.1 (the newest of the old ones), FILE.2
// ...
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/log_output.h"

namespace pgstow {

struct LogFileRule {
  std::filesystem::path path = {};
  std::uint64_t max_size = 10ULL << 20;  // bytes; the file is rotated before it grows longer
                                         // (0: never, somebody else does it)
  unsigned keep = 5;                     // rotated files
};

// The file is opened with the first line: made with mode 0600, its folder, too, with 0700; never
// through a link, nothing but a regular file. While it can't be written, lines go to another
// output, the first with the reason; each line tries it anew. A file that was moved or removed by
// others, such as logrotate, is made again. Processes that log into one file don't mix their lines.
class LogFile final : public LogOutput {
 public:
  // `otherwise` is lent for its life.
  LogFile(LogFileRule rule, LogOutput& otherwise);
  void write(const LogLine& line, LogFormat format) override;

 private:
  void make_ready(std::size_t length, const LogLine& line, LogFormat format);
  bool is_at_path() const;
  void open();
  void rotate();
  void append(std::string text);
  void tell_gap(const LogLine& next, LogFormat format);
  void write_otherwise(const LogLine& line, LogFormat format, const Error& e);

  const LogFileRule rule_;
  LogOutput& otherwise_;
  Fd fd_;
  std::uint64_t missed_ = 0;    // lines that went elsewhere
  bool torn_ = false;           // the last line in the file has no end
  bool rotation_told_ = false;  // that it fails
};

}  // namespace pgstow
