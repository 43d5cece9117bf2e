// Locks that keep runs out of each other's way: one backup of a database at a time, and so on.
//
// A lock is an flock on a small hidden file in the folder. The kernel frees it however its process
// ends, so there is never one to remove by hand. The file stays and tells who holds the lock.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"

namespace pgstow {

// "pid 123 on host db1 since 2026-11-22 21:05:28, command backup": this process, for the lock's
// file.
std::string lock_holder(Time since, std::string_view command);

// Held until destroyed. Child processes do not inherit it.
class FileLock {
 public:
  // Takes the lock called `name` (any text) in the folder, which is made if it is missing. While
  // somebody else holds it (for more than 50 ms), another FileLock of this process included, throws
  // Locked("<what> is already running: <their holder text>"). Throws Error when what lies there is
  // no lock file.
  static FileLock acquire(const std::filesystem::path& folder, std::string_view name,
                          std::string_view what, std::string_view holder);

  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(Fd file);

  Fd file_;
};

// What the holder of that lock in the folder wrote of itself; nothing when nobody holds it.
std::optional<std::string> holder_of_lock(const std::filesystem::path& folder,
                                          std::string_view name);

// The name of a lock's file: ".lock-" and the name, percent-encoded where it has anything but
// letters, digits, '-', '_' and '.'; a long one is cut and ends with a hash. Under 200 bytes.
std::string lock_file_name(std::string_view name);

}  // namespace pgstow
