#include "store/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/error.h"

namespace pgstow {
namespace {

namespace fs = std::filesystem;

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

[[noreturn]] void no_folder(const fs::path& path) {
  throw ConfigError(fmt::format("{}: it is no folder", path.native()),
                    "name another path, or move away what is there");
}

// A backup folder may well be a link to a bigger disk, but only one set by root or by ourselves;
// somebody else's link would choose for us where the backups go.
void refuse_foreign_link(const fs::path& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return;
  if (info.st_uid == 0 || info.st_uid == ::geteuid()) return;
  throw ConfigError(
      fmt::format("{}: it is a symbolic link made by user id {}", path.native(), info.st_uid),
      "name the folder that it points to, if you trust it");
}

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// One folder, mode 0700 whatever the umask; its parent must exist. False, with errno, if it can't
// be.
bool make_one(const fs::path& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0) return false;
  if (const Fd made(::open(path.c_str(), kFolderFlags | O_NOFOLLOW)); made) {
    static_cast<void>(::fchmod(made.get(), S_IRWXU));
  }
  // A parent we may search but not read can't be synced; the folder works all the same.
  const fs::path parent = parent_of(path);
  if (const Fd above(::open(parent.c_str(), kFolderFlags)); above) {
    sync_folder(above, parent.native());
  }
  return true;
}

void make_folders(const fs::path& path) {
  if (make_one(path)) return;
  if (errno == ENOENT && parent_of(path) != path) {
    make_folders(parent_of(path));
    if (make_one(path)) return;
  }
  if (errno == ENOTDIR) no_folder(parent_of(path));
  // Taken by now, or all along: open_folder() looks at what it is.
  if (errno != EEXIST) throw_errno(path.native());
}

}  // namespace

Fd open_folder(const fs::path& path) {
  refuse_foreign_link(path);
  Fd folder(::open(path.c_str(), kFolderFlags));
  if (folder || errno == ENOENT) return folder;
  if (errno == ENOTDIR) no_folder(path);
  throw_errno(path.native());
}

Fd make_folder(const fs::path& path) {
  if (Fd folder = open_folder(path); folder) return folder;
  make_folders(path);
  Fd folder = open_folder(path);
  if (!folder) throw_errno(path.native(), ENOENT);
  return folder;
}

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kForbidden("/\0", 2);
  return !name.empty() && name.front() != '.' &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

bool is_named(const Fd& folder, const std::string& name, const Fd& file) {
  struct stat named{};
  struct stat open{};
  return ::fstatat(folder.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstat(file.get(), &open) == 0 && named.st_dev == open.st_dev &&
         named.st_ino == open.st_ino;
}

Fd open_regular(const Fd& folder, const std::string& name, int flags, std::string_view where) {
  constexpr int kCareful = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Fd file(::openat(folder.get(), name.c_str(), flags | kCareful, S_IRUSR | S_IWUSR));
  if (!file && errno == ELOOP) throw Error(fmt::format("{}: it is a symbolic link", where));
  if (!file && errno == EISDIR) throw Error(fmt::format("{}: it is a folder", where));
  if (!file) throw_errno(where);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) throw_errno(where);
  if (!S_ISREG(info.st_mode)) throw Error(fmt::format("{}: it is no regular file", where));
  return file;
}

void for_each_name(const Fd& folder, std::string_view where,
                   const std::function<void(const std::string& name)>& visit) {
  // A second descriptor of the folder, because reading a folder moves its descriptor's position.
  const int own = ::openat(folder.get(), ".", kFolderFlags);
  if (own < 0) throw_errno(where);
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(own), close);
  if (!stream) {
    const int code = errno;
    ::close(own);
    throw_errno(where, code);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) throw_errno(where);
    if (entry == nullptr) return;
    visit(static_cast<const char*>(entry->d_name));
  }
}

void sync_folder(const Fd& folder, std::string_view where) {
  if (::fsync(folder.get()) != 0) throw_errno(fmt::format("{}: fsync", where));
}

}  // namespace pgstow
