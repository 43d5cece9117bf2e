// The last lines of one job's log, for messages about it.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

#include "base/log_line.h"

namespace pgstow {

// A job's tail begins with `LogTail tail; Log log(service_log, tail);`: the job gets `log` in its
// Context, and what it logs is in tail.text(). Thread-safe.
class LogTail {
 public:
  // What is kept at most; the oldest lines go first.
  explicit LogTail(std::size_t lines = 40, std::size_t bytes = 8000)
      : most_lines_(lines), most_bytes_(bytes) {}

  // Lines below kInfo are left out.
  void add(const LogLine& line);

  // As text for people, oldest first, each with its newline. A line that is longer than all that
  // may be kept ends with "...".
  std::string text() const;

 private:
  const std::size_t most_lines_;
  const std::size_t most_bytes_;
  mutable std::mutex mutex_;  // guards all below
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
};

}  // namespace pgstow
