#include "harness/shared_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "harness/program.h"

// The folder of a kind holds three files that are only locked and one that is read:
//   users    locked shared by every process that uses the server
//   starting locked by the one process that looks whether there is a keeper, and starts it
//   alive    locked by the keeper while it lives
//   address  written by the keeper when the server is ready
namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kIdle{20};
constexpr std::chrono::milliseconds kPoll{50};

// Another build of the harness may start its servers differently, so it gets its own.
fs::path folder_of(const std::string& kind) {
  const fs::path keeper = PGSTOW_KEEPER;
  const auto built = fs::last_write_time(keeper).time_since_epoch().count();
  const std::size_t build = std::hash<std::string>{}(keeper.string() + std::to_string(built));
  return fs::temp_directory_path() /
         fmt::format("pgstow-shared-{}-{}-{:x}", ::geteuid(), kind, build);
}

Fd lock(const fs::path& file, int how) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    if (errno == ENOENT) return fd;
    throw_errno("opening " + file.string());
  }
  while (::flock(fd.get(), how) != 0) {
    if (errno == EWOULDBLOCK) return {};
    if (errno != EINTR) throw_errno("locking " + file.string());
  }
  return fd;
}

// A keeper that ends removes the folder: a lock on a file that is no longer there is worth nothing.
bool is_still(const Fd& fd, const fs::path& file) {
  struct stat ours{};
  struct stat there{};
  return ::fstat(fd.get(), &ours) == 0 && ::stat(file.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino;
}

void make_private(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return;
  struct stat st{};
  if (::lstat(folder.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == ::geteuid()) return;
  throw Error(fmt::format("{}: not a private folder of ours", folder.string()), "remove it");
}

Fd become_user(const fs::path& folder) {
  for (;;) {
    make_private(folder);
    Fd fd = lock(folder / "users", LOCK_SH);
    if (!fd || !is_still(fd, folder / "users")) continue;
    ::futimens(fd.get(), nullptr);  // the keeper sees also those who come and go between its looks
    return fd;
  }
}

pid_t spawn_keeper(const std::string& kind, const fs::path& log) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::string program = PGSTOW_KEEPER;
  std::string argument = kind;
  std::array<char*, 3> argv = {program.data(), argument.data(), nullptr};
  pid_t pid = -1;
  const int rc = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) throw_errno("starting " + program, rc);
  return pid;
}

void start_keeper(const std::string& kind, const fs::path& folder) {
  fs::remove(folder / "address");
  const pid_t keeper = spawn_keeper(kind, folder / "log");
  while (!fs::exists(folder / "address")) {
    if (::waitpid(keeper, nullptr, WNOHANG) == keeper) {
      throw Error(kind + ": did not start: " + read_file(folder / "log"));
    }
    std::this_thread::sleep_for(kPoll);
  }
}

bool keeper_lives(const fs::path& folder) {
  return !lock(folder / "alive", LOCK_SH | LOCK_NB) && fs::exists(folder / "address");
}

std::string address_of_shared(const std::string& kind, Fd& use) {
  const fs::path folder = folder_of(kind);
  use = become_user(folder);
  const Fd starting = lock(folder / "starting", LOCK_EX);
  if (!keeper_lives(folder)) start_keeper(kind, folder);
  return read_file(folder / "address");
}

// Since when nobody uses the server, as far as one look can tell.
std::chrono::system_clock::time_point last_use(const fs::path& users) {
  struct stat st{};
  if (::stat(users.c_str(), &st) != 0) throw_errno(users.string());
  return std::chrono::system_clock::from_time_t(st.st_mtim.tv_sec);
}

// Waits until nobody has used it for a while, and returns the lock that keeps new users out.
Fd wait_until_unused(const fs::path& users) {
  auto used = std::chrono::system_clock::now();
  for (;; std::this_thread::sleep_for(10 * kPoll)) {
    Fd alone = lock(users, LOCK_EX | LOCK_NB);
    if (!alone) used = std::chrono::system_clock::now();
    used = std::max(used, last_use(users));
    if (alone && std::chrono::system_clock::now() - used > kIdle) return alone;
  }
}

}  // namespace

std::string shared_address(const std::string& kind) {
  struct Known {
    std::string address;
    Fd use;
  };
  static std::mutex mutex;
  static std::map<std::string, Known> known;
  const std::lock_guard guard(mutex);
  Known& server = known[kind];
  if (server.address.empty()) server.address = address_of_shared(kind, server.use);
  return server.address;
}

void keep_shared(const std::string& kind, const std::function<std::string()>& start) {
  const fs::path folder = folder_of(kind);
  const Fd alive = lock(folder / "alive", LOCK_EX);
  write_file(folder / "address.new", start());
  fs::rename(folder / "address.new", folder / "address");
  const Fd alone = wait_until_unused(folder / "users");
  // By renaming, newcomers see either all of it or nothing.
  const fs::path old = folder.string() + fmt::format(".old{}", ::getpid());
  fs::rename(folder, old);
  fs::remove_all(old);
}

}  // namespace pgstow::test
