#include "store/part.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "store/folder.h"
#include "store/random_id.h"

namespace pgstow {
namespace {

constexpr std::string_view kSuffix = ".part";
// Every retry means that another process took or cleared the name in the same instant.
constexpr int kAttempts = 1000;

enum class Cleared { kDead, kGone, kAlive, kForeign };

std::string new_name(std::string_view key, Existing existing) {
  if (existing == Existing::kRefuse) return fmt::format(".{}{}", key, kSuffix);
  return fmt::format(".{}.{}{}", key, random_id(), kSuffix);
}

bool is_part_name(std::string_view name) {
  return name.size() > 1 + kSuffix.size() && name.front() == '.' && name.ends_with(kSuffix) &&
         is_plain_name(name.substr(1));
}

// Creates and locks the file; an empty Fd when the name is taken.
Fd create_locked(const Fd& folder, const std::string& name, std::string_view where) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd file(::openat(folder.get(), name.c_str(), kFlags, S_IRUSR | S_IWUSR));
  if (!file && errno == EEXIST) return file;
  if (!file) throw_errno(where);
  // The umask may have taken bits away; a file system without modes refuses, and has none to set.
  static_cast<void>(::fchmod(file.get(), S_IRUSR | S_IWUSR));
  // Waits only for a process that takes this new file for a dead run's part: it unlinks and lets
  // go.
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int code = errno;
    ::unlinkat(folder.get(), name.c_str(), 0);
    throw_errno(fmt::format("{}: flock", where), code);
  }
  return file;
}

// Unlinks the part of that name if it is a dead run's; says what it was.
Cleared clear_part(const Fd& folder, const std::string& name) {
  constexpr int kFlags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const Fd file(::openat(folder.get(), name.c_str(), kFlags));
  if (!file) return errno == ENOENT ? Cleared::kGone : Cleared::kForeign;
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return Cleared::kForeign;
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) return Cleared::kForeign;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Cleared::kAlive;
  if (!is_named(folder, name, file)) return Cleared::kGone;
  return ::unlinkat(folder.get(), name.c_str(), 0) == 0 ? Cleared::kDead : Cleared::kGone;
}

// The name was taken. Returns if it may be free by now; throws if somebody has it for good.
void make_way(const Fd& folder, const std::string& name, std::string_view where) {
  const Cleared cleared = clear_part(folder, name);
  if (cleared == Cleared::kAlive) {
    throw Exists(fmt::format("{}: another run is writing it just now", where));
  }
  if (cleared == Cleared::kForeign) {
    throw Error(fmt::format("{}: in its way is {}, which is not ours", where, name),
                "find out who made it, and remove it");
  }
}

}  // namespace

Part make_part(const Fd& folder, std::string_view key, Existing existing, std::string_view where) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Part part;
    part.name = new_name(key, existing);
    part.file = create_locked(folder, part.name, where);
    if (!part.file) {
      if (existing == Existing::kRefuse) make_way(folder, part.name, where);
    } else if (is_named(folder, part.name, part.file)) {
      return part;  // nobody cleared it between its creation and its lock
    }
  }
  throw Exists(fmt::format("{}: other runs keep making and clearing it", where));
}

void drop_part(const Fd& folder, const Part& part) noexcept {
  if (is_named(folder, part.name, part.file)) ::unlinkat(folder.get(), part.name.c_str(), 0);
}

int clear_dead_parts(const Fd& folder, std::string_view where) {
  int cleared = 0;
  for_each_name(folder, where, [&](const std::string& name) {
    if (is_part_name(name) && clear_part(folder, name) == Cleared::kDead) ++cleared;
  });
  return cleared;
}

}  // namespace pgstow
