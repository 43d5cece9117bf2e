#include "store/local.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "store/folder.h"
#include "store/local_file.h"
#include "store/part.h"

namespace pgstow {
namespace {

namespace fs = std::filesystem;

bool is_key(std::string_view name) { return is_plain_name(name) && name.size() <= kMaxKeyBytes; }

// "backups/" and "backups" are one folder, with one parent.
fs::path without_trailing_slash(fs::path path) {
  while (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  return path;
}

fs::path parent_of(const fs::path& folder) { return fs::absolute(folder).parent_path(); }

Time time_of(const timespec& time) {
  const auto since = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  return Time(std::chrono::floor<std::chrono::milliseconds>(since));
}

// The object of that name, unless it is no regular file, or was removed since it was listed.
std::optional<Object> object_at(const Fd& folder, const std::string& name, std::string_view where) {
  struct stat info{};
  if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno(fmt::format("{}/{}", where, name));
  }
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  return Object{.key = name,
                .size_bytes = static_cast<std::uint64_t>(info.st_size),
                .modified = time_of(info.st_mtim)};
}

bool writable_by_others(const fs::path& folder, mode_t others) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0 || (info.st_mode & others) == 0) return false;
  return true;
}

bool sticky(const fs::path& folder) {
  struct stat info{};
  return ::stat(folder.c_str(), &info) == 0 && (info.st_mode & S_ISVTX) != 0;
}

}  // namespace

LocalStore::LocalStore(fs::path folder, std::string name, Missing missing)
    : folder_(without_trailing_slash(std::move(folder))),
      name_(std::move(name)),
      missing_(missing) {
  if (folder_.empty()) throw ConfigError("the local store's folder has an empty name");
}

std::string LocalStore::location(std::string_view key) const { return (folder_ / key).native(); }

std::string LocalStore::key_name(std::string_view key) const {
  if (is_key(key)) return std::string(key);
  throw Error(
      fmt::format("{}: '{}' can't be the name of an object", folder_.native(), printable(key)));
}

void LocalStore::require_folder() const {
  if (missing_ == Missing::kMake) return;
  const fs::path needed = missing_ == Missing::kRefuse ? folder_ : parent_of(folder_);
  if (open_folder(needed)) return;
  throw NotFound(fmt::format("{}: there is no such folder", needed.native()),
                 "is its disk mounted? Make the folder once: mkdir -p -m 700 " + needed.native());
}

std::unique_ptr<Sink> LocalStore::create(std::string_view key, Existing existing) {
  const std::string name = key_name(key);
  require_folder();
  return std::make_unique<LocalSink>(make_folder(folder_), name, existing, location(name));
}

std::unique_ptr<Source> LocalStore::open(std::string_view key, Range range) {
  const std::string name = key_name(key);
  const Fd folder = open_folder(folder_);
  if (!folder) throw_errno(location(name), ENOENT);
  Fd file = open_regular(folder, name, O_RDONLY, location(name));
  return std::make_unique<LocalSource>(std::move(file), range, location(name));
}

std::vector<Object> LocalStore::list(std::string_view prefix) {
  std::vector<Object> objects;
  const Fd folder = open_folder(folder_);
  if (!folder) return objects;
  for_each_name(folder, folder_.native(), [&](const std::string& name) {
    if (!is_key(name) || !name.starts_with(prefix)) return;
    if (auto object = object_at(folder, name, folder_.native())) {
      objects.push_back(std::move(*object));
    }
  });
  std::ranges::sort(objects, {}, &Object::key);
  return objects;
}

void LocalStore::remove(std::string_view key) {
  const std::string name = key_name(key);
  const Fd folder = open_folder(folder_);
  if (!folder) return;
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0) {
    if (errno == ENOENT) return;
    throw_errno(fmt::format("{}: unlink", location(name)));
  }
  sync_folder(folder, folder_.native());
}

std::vector<std::string> LocalStore::folders() const {
  std::vector<std::string> names;
  const Fd folder = open_folder(folder_);
  if (!folder) return names;
  for_each_name(folder, folder_.native(), [&](const std::string& name) {
    struct stat info{};
    if (!is_plain_name(name)) return;
    if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISDIR(info.st_mode)) names.push_back(name);
  });
  std::ranges::sort(names);
  return names;
}

bool LocalStore::exists() { return static_cast<bool>(open_folder(folder_)); }

int LocalStore::clear_leftovers() {
  const Fd folder = open_folder(folder_);
  return folder ? clear_dead_parts(folder, folder_.native()) : 0;
}

std::optional<std::string> LocalStore::permission_warning() const {
  if (writable_by_others(folder_, S_IWGRP | S_IWOTH)) {
    return fmt::format("{}: other users may write there; chmod go-w it", folder_.native());
  }
  // In a sticky folder such as /tmp, nobody can rename or replace what belongs to us.
  const fs::path parent = parent_of(folder_);
  if (writable_by_others(parent, S_IWOTH) && !sticky(parent)) {
    return fmt::format("{}: other users may put another folder in its place; chmod o-w {}",
                       folder_.native(), parent.native());
  }
  return std::nullopt;
}

SpaceInfo LocalStore::space() const {
  fs::path at = fs::absolute(folder_);
  struct statvfs info{};
  while (::statvfs(at.c_str(), &info) != 0) {
    if (errno != ENOENT || at == at.parent_path()) throw_errno(at.native());
    at = at.parent_path();
  }
  return {.free_bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize,
          .total_bytes = static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize};
}

}  // namespace pgstow
