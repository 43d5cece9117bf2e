#include "cli/startup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/child.h"
#include "base/error.h"
#include "base/fd.h"

namespace pgstow::cli {
namespace {

std::vector<std::string> words_of(const Startup& startup, const std::vector<std::string>& words) {
  std::vector<std::string> argv{startup.program};
  argv.insert(argv.end(), startup.flags.begin(), startup.flags.end());
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::string_view name_in(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// getenv() would find the first of two of a name. Our own supervisor does not watch the child.
std::vector<std::string> environment_with(const Startup& startup,
                                          const std::vector<std::string>& extra) {
  std::vector<std::string> environment = startup.environment;
  std::erase_if(environment, [&](const std::string& entry) {
    const std::string_view name = name_in(entry);
    return name == "WATCHDOG_USEC" || name == "WATCHDOG_PID" ||
           std::ranges::any_of(extra, [&](const auto& other) { return name == name_in(other); });
  });
  environment.insert(environment.end(), extra.begin(), extra.end());
  return environment;
}

// What a program expects of its signals: none blocked, all as by default.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t none;
    sigset_t ours;
    sigemptyset(&none);
    sigemptyset(&ours);
    for (const int signal : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP}) sigaddset(&ours, signal);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &ours);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class SpawnFiles {
 public:
  explicit SpawnFiles(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
  }
  SpawnFiles(const SpawnFiles&) = delete;
  ~SpawnFiles() { posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Startup startup_of_process() {
  Startup startup;
  std::error_code ignored;  // without /proc there is still the name to look for
  startup.program = std::filesystem::read_symlink("/proc/self/exe", ignored).native();
  if (startup.program.empty()) startup.program = "pgstow";
  for (char** entry = environ; *entry != nullptr; ++entry) startup.environment.emplace_back(*entry);
  return startup;
}

void become(const Startup& startup, const std::vector<std::string>& words) {
  std::vector<std::string> argv = words_of(startup, words);
  std::vector<std::string> environment = startup.environment;
  ::execve(startup.program.c_str(), pointers(argv).data(), pointers(environment).data());
  throw_errno(startup.program);
}

void run_self(const Startup& startup, const std::vector<std::string>& words) {
  Command command{.argv = words_of(startup, words), .env = startup.environment};
  std::erase_if(command.env, [](const auto& e) { return e.starts_with("NOTIFY_SOCKET="); });
  Child::start(command).wait({});
}

int start_detached(const Startup& startup, const std::vector<std::string>& words,
                   const std::string& output, const std::vector<std::string>& extra) {
  const Fd file(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                       S_IRUSR | S_IWUSR));
  if (!file) throw_errno(output);
  std::vector<std::string> argv = words_of(startup, words);
  std::vector<std::string> environment = environment_with(startup, extra);
  const SpawnAttributes attributes;
  const SpawnFiles files(file.get());
  pid_t pid = -1;
  const int code = ::posix_spawn(&pid, startup.program.c_str(), files.get(), attributes.get(),
                                 pointers(argv).data(), pointers(environment).data());
  if (code != 0) throw_errno(startup.program, code);
  return pid;
}

}  // namespace pgstow::cli
