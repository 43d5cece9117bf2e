// Where a log's lines go.
#pragma once

#include <cstdio>

#include "base/log_line.h"

namespace pgstow {

// Used by one thread at a time. That a line can't be written fails nothing.
class LogOutput {
 public:
  virtual ~LogOutput() = default;
  virtual void write(const LogLine& line, LogFormat format) = 0;
};

// A stream that is open already, such as standard error; written at once. Where it is the stream
// that systemd has connected to its journal, in the journal's way.
class StreamOutput final : public LogOutput {
 public:
  explicit StreamOutput(std::FILE* out);
  void write(const LogLine& line, LogFormat format) override;

 private:
  std::FILE* const out_;
  const bool journal_;
};

// Whether JOURNAL_STREAM names this very stream by device and inode (systemd.exec(5)): a stream
// that somebody redirected since is a plain one.
bool is_journal(std::FILE* stream);

}  // namespace pgstow
