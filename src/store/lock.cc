#include "store/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/text.h"
#include "store/folder.h"

namespace pgstow {
namespace {

constexpr std::size_t kMaxEncoded = 150;
constexpr std::string_view kNoName = "by a process that did not say who it is";
constexpr int kTries = 10;
constexpr std::chrono::milliseconds kPause{5};

std::string percent_encoded(std::string_view name) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  std::string out;
  for (const char c : name) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// FNV-1a, 64 bits. Two names that meet in it would only wait for each other.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

// A hard link planted here would lead our writing to another file of ours.
void refuse_hard_link(const Fd& file, std::string_view where) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) throw_errno(where);
  if (info.st_nlink > 1) {
    throw Error(fmt::format("{}: it is a hard link to another file", where), "remove it");
  }
}

// The first line of the file: what its holder wrote, or is about to.
std::string holder_in(const Fd& file) {
  std::array<char, 1024> text{};
  const ssize_t n = ::pread(file.get(), text.data(), text.size(), 0);
  const std::string_view all(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  const std::string line = printable(trim(all.substr(0, all.find('\n'))));
  return line.empty() ? std::string(kNoName) : line;
}

// Whoever only asks who holds the lock holds it for an instant, too: that is waited for.
bool lock_file(const Fd& file, std::string_view where) {
  for (int tries = 1; ::flock(file.get(), LOCK_EX | LOCK_NB) != 0;) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw_errno(fmt::format("{}: flock", where));
    if (tries++ == kTries) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

// Information only, and the disk may be full: the lock holds without it.
void write_holder(const Fd& file, std::string_view holder) {
  const std::string line = printable(holder) + "\n";
  const ssize_t n = ::pwrite(file.get(), line.data(), line.size(), 0);
  static_cast<void>(::ftruncate(file.get(), n > 0 ? n : 0) == 0);
}

}  // namespace

std::string lock_file_name(std::string_view name) {
  std::string encoded = percent_encoded(name);
  if (encoded.size() > kMaxEncoded) {
    // '~' is never in an encoded name, so no short name has the file of a long one.
    encoded = fmt::format("{}~{:016x}", encoded.substr(0, kMaxEncoded), hash_of(name));
  }
  return ".lock-" + encoded;
}

std::string lock_holder(Time since, std::string_view command) {
  return fmt::format("pid {} on host {} since {}, command {}", ::getpid(), host_name(),
                     local_time(since), command);
}

FileLock FileLock::acquire(const std::filesystem::path& folder, std::string_view name,
                           std::string_view what, std::string_view holder) {
  const std::string file_name = lock_file_name(name);
  const std::string where = (folder / file_name).native();
  Fd file = open_regular(make_folder(folder), file_name, O_RDWR | O_CREAT, where);
  refuse_hard_link(file, where);
  // The umask may have taken bits away that the next run needs, unless it is root's.
  static_cast<void>(::fchmod(file.get(), S_IRUSR | S_IWUSR));
  if (!lock_file(file, where)) {
    throw Locked(fmt::format("{} is already running: {}", what, holder_in(file)),
                 "wait until it has ended; if it hangs, end that process, its lock goes with it");
  }
  write_holder(file, holder);
  return FileLock(std::move(file));
}

std::optional<std::string> holder_of_lock(const std::filesystem::path& folder,
                                          std::string_view name) {
  const std::string file_name = lock_file_name(name);
  const std::string where = (folder / file_name).native();
  const Fd opened = open_folder(folder);
  if (!opened) return std::nullopt;
  try {
    const Fd file = open_regular(opened, file_name, O_RDONLY, where);
    for (int tries = 1; ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) throw_errno(fmt::format("{}: flock", where));
      // It is just being taken, or let go: there is text, or nobody, in an instant.
      std::string holder = holder_in(file);
      if (holder != kNoName || tries++ == kTries) return holder;
      std::this_thread::sleep_for(kPause);
    }
    return std::nullopt;
  } catch (const NotFound&) {
    return std::nullopt;
  }
}

FileLock::FileLock(Fd file) : file_(std::move(file)) {}

FileLock::~FileLock() {
  if (!file_) return;
  static_cast<void>(::ftruncate(file_.get(), 0) == 0);
  // Closing would do, were there never a child between fork and exec that still has the descriptor.
  ::flock(file_.get(), LOCK_UN);
}

}  // namespace pgstow
