#include "base/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/error.h"

namespace pgstow {
namespace {

constexpr off_t kBlock = 65536;

Fd open_to_read(const std::filesystem::path& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

std::string read_at(const Fd& fd, off_t from, off_t length) {
  std::string text(static_cast<std::size_t>(length), '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), from);
  if (n < 0) throw_errno("log: read");
  text.resize(static_cast<std::size_t>(n));
  return text;
}

off_t size_of(const Fd& fd) {
  struct stat s{};
  if (::fstat(fd.get(), &s) != 0) throw_errno("log: fstat");
  return s.st_size;
}

// The last lines of what stands before `end`, and how many they are.
std::pair<std::string, std::size_t> last_lines(const Fd& fd, off_t end, std::size_t count) {
  std::vector<std::string> blocks;  // the last one first
  std::size_t lines = 0;
  for (off_t at = end; at > 0 && lines <= count;) {
    const off_t length = std::min(at, kBlock);
    at -= length;
    blocks.push_back(read_at(fd, at, length));
    lines += static_cast<std::size_t>(std::ranges::count(blocks.back(), '\n'));
  }
  std::string text;
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) text += *block;
  if (!text.empty() && !text.ends_with('\n')) ++lines;
  std::size_t begin = 0;
  for (; lines > count; --lines) begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  return {text.substr(begin), lines};
}

}  // namespace

LogReader::LogReader(std::filesystem::path path)
    : path_(std::move(path)), fd_(open_to_read(path_)) {
  if (!fd_) throw_errno(path_.native());
}

std::string LogReader::last(std::size_t count) {
  position_ = size_of(fd_);
  auto [text, lines] = last_lines(fd_, position_, count);
  for (int number = 1; lines < count; ++number) {
    const Fd older = open_to_read(fmt::format("{}.{}", path_.native(), number));
    if (!older) break;
    const auto [before, more] = last_lines(older, size_of(older), count - lines);
    text.insert(0, before);
    lines += more;
  }
  return text;
}

std::string LogReader::more() {
  // Asked before reading: what is written after that into the old file is nothing of ours.
  const bool moved = is_moved();
  if (size_of(fd_) < position_) position_ = 0;
  std::string text = std::exchange(unfinished_, {});
  read_rest(text);
  if (moved) {
    if (Fd next = open_to_read(path_)) {
      fd_ = std::move(next);
      position_ = 0;
      read_rest(text);
    }
  }
  const std::size_t end = text.rfind('\n') + 1;  // 0 when there is none
  unfinished_ = text.substr(end);
  text.resize(end);
  return text;
}

bool LogReader::is_moved() const {
  struct stat ours{};
  struct stat there{};
  if (::stat(path_.c_str(), &there) != 0) return false;  // nothing is there yet
  return ::fstat(fd_.get(), &ours) == 0 &&
         (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino);
}

void LogReader::read_rest(std::string& into) {
  for (;;) {
    const std::string block = read_at(fd_, position_, kBlock);
    if (block.empty()) return;
    into += block;
    position_ += static_cast<off_t>(block.size());
  }
}

}  // namespace pgstow
