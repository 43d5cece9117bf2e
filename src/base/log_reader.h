// Reads a log as it grows: its last lines, and what comes after them, across rotations.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/fd.h"

namespace pgstow {

class LogReader {
 public:
  // Throws NotFound when there is no such file.
  explicit LogReader(std::filesystem::path path);

  // The last `count` lines, oldest first, out of FILE.1, FILE.2 and so on where the file has fewer;
  // also a last one that has no end yet. To be called first, if at all.
  std::string last(std::size_t count);

  // What was written since, whole lines only; empty when there is nothing. A file that was moved
  // away is read to its end, then the one in its place; one that was cut short is read anew.
  std::string more();

 private:
  void read_rest(std::string& into);
  bool is_moved() const;

  const std::filesystem::path path_;
  Fd fd_;
  off_t position_ = 0;
  std::string unfinished_;  // a line without an end
};

}  // namespace pgstow
