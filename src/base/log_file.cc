#include "base/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace pgstow {
namespace {

[[noreturn]] void fail(const std::string& what, int code) {
  // Not throw_errno(): its hints are about the folder of the backups.
  throw Error(fmt::format("{}: {}", what, std::generic_category().message(code)));
}

Fd open_to_append(const std::filesystem::path& path) {
  // Not blocking: a pipe that somebody put there would hold us up.
  constexpr int kFlags =
      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  return Fd(::open(path.c_str(), kFlags, 0600));
}

// The size of the open file. Throws Error when it is no regular one.
std::uint64_t size_of(const Fd& fd) {
  struct stat s{};
  if (::fstat(fd.get(), &s) != 0) fail("fstat", errno);
  if (!S_ISREG(s.st_mode)) throw Error("not a regular file");
  return static_cast<std::uint64_t>(s.st_size);
}

std::string numbered(const std::filesystem::path& path, unsigned number) {
  return number == 0 ? path.native() : fmt::format("{}.{}", path.native(), number);
}

}  // namespace

LogFile::LogFile(LogFileRule rule, LogOutput& otherwise)
    : rule_(std::move(rule)), otherwise_(otherwise) {}

void LogFile::write(const LogLine& line, LogFormat format) {
  const std::string text = to_text(line, format);
  try {
    make_ready(text.size(), line, format);
    if (missed_ > 0) tell_gap(line, format);
    append(text);
  } catch (const Error& e) {
    write_otherwise(line, format, e);
  }
}

void LogFile::make_ready(std::size_t length, const LogLine& line, LogFormat format) {
  if (!is_at_path()) open();
  const std::uint64_t size = size_of(fd_);
  if (rule_.max_size == 0 || size == 0 || size + length <= rule_.max_size) return;
  try {
    rotate();
    rotation_told_ = false;
  } catch (const Error& e) {  // a file that is too long is better than none
    if (!std::exchange(rotation_told_, true)) {
      const Facts facts{{"file", rule_.path.native()}, {"cause", e.what()}};
      otherwise_.write({.time = line.time,
                        .level = Level::kWarning,
                        .message = "the log can't be rotated, it grows on",
                        .facts = facts},
                       format);
    }
    return;
  }
  open();
}

bool LogFile::is_at_path() const {
  struct stat ours{};
  struct stat there{};
  return fd_ && ::fstat(fd_.get(), &ours) == 0 && ::lstat(rule_.path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

void LogFile::open() {
  fd_ = open_to_append(rule_.path);
  if (!fd_ && errno == ENOENT && ::mkdir(rule_.path.parent_path().c_str(), 0700) == 0) {
    fd_ = open_to_append(rule_.path);
  }
  if (!fd_) fail("open", errno);
  try {
    size_of(fd_);
  } catch (const Error&) {
    fd_.reset();
    throw;
  }
  torn_ = false;
}

void LogFile::rotate() {
  if (rule_.keep == 0) {
    if (::unlink(rule_.path.c_str()) != 0) fail("unlink", errno);
    return;
  }
  for (unsigned to = rule_.keep; to > 0; --to) {
    const std::string from = numbered(rule_.path, to - 1);
    if (std::rename(from.c_str(), numbered(rule_.path, to).c_str()) == 0) continue;
    if (errno != ENOENT) fail("rename " + from, errno);
  }
}

void LogFile::append(std::string text) {
  if (torn_) text.insert(0, "\n");
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd_.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int code = errno;
      torn_ = torn_ ? done != 1 : done != 0;
      fail("write", code);
    }
    done += static_cast<std::size_t>(n);
  }
  torn_ = false;
}

void LogFile::tell_gap(const LogLine& next, LogFormat format) {
  const Facts facts{{"lines", std::to_string(missed_)}};
  append(to_text({.time = next.time,
                  .level = Level::kWarning,
                  .message = "the log could not be written for a while",
                  .facts = facts},
                 format));
  missed_ = 0;
}

void LogFile::write_otherwise(const LogLine& line, LogFormat format, const Error& e) {
  if (missed_++ == 0) {
    const Facts facts{{"file", rule_.path.native()}, {"cause", e.what()}};
    otherwise_.write({.time = line.time,
                      .level = Level::kWarning,
                      .message = "the log can't be written into its file, it goes here meanwhile",
                      .facts = facts},
                     format);
  }
  otherwise_.write(line, format);
}

}  // namespace pgstow
