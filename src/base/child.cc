#include "base/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kMessagesLimit = std::size_t{64} * 1024;
constexpr std::size_t kOutputLimit = std::size_t{16} * 1024 * 1024;
constexpr std::chrono::milliseconds kPoll{5};
constexpr std::chrono::seconds kTermPatience{2};

bool is_ours(std::string_view name) {
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  return starts("BACKUP_") || starts("PGSTOW_") || starts("POSTGRES") || name == "DATABASE_URL" ||
         name == "PGPASSWORD" || name == "NOTIFY_SOCKET";
}

bool is_private(std::string_view name) {
  const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
  return is_ours(name) || name.starts_with("AWS_") || ends("_TOKEN") || ends("_SECRET") ||
         ends("_PASSWORD") || ends("_PASSWORD_FILE");
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

template <typename LeftOut>
std::vector<std::string> environment_without(const LeftOut& left_out) {
  std::vector<std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!left_out(name_of(*entry))) env.emplace_back(*entry);
  }
  return env;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// The spawn attributes and file actions, freed at the end of the scope.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attr_);
    // Signals are blocked in our threads and SIGPIPE is ignored: children get the defaults back. A
    // group of its own keeps the terminal's Ctrl-C for us, who end the child in good order.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr_, &none);
    posix_spawnattr_setsigdefault(&attr_, &all);
    posix_spawnattr_setpgroup(&attr_, 0);
    set_flags(POSIX_SPAWN_SETPGROUP);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attr_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  void leave_session() { set_flags(POSIX_SPAWN_SETSID); }

  // Gives the child `fd` (-1: /dev/null) as its descriptor `target`.
  void attach(int fd, int target) {
    if (fd >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, fd, target);
    } else {
      posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", O_RDWR, 0);
    }
  }

  pid_t run(const Command& command) {
    // Whatever we were started with stays with us.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    pid_t pid = -1;
    const int rc = posix_spawnp(&pid, command.argv.at(0).c_str(), &actions_, &attr_,
                                pointers(command.argv).data(), pointers(command.env).data());
    if (rc != 0) throw_errno(fmt::format("starting {}", command.argv[0]), rc);
    return pid;
  }

 private:
  void set_flags(short group) {
    posix_spawnattr_setflags(
        &attr_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attr_;
};

// Reaps the child if it has ended. Returns true then, with its status; or with a status of -1 when
// the system has thrown that away (SIGCHLD is ignored), which must not look like success.
bool reap(pid_t pid, int& status) {
  const pid_t rc = ::waitpid(pid, &status, WNOHANG);
  if (rc < 0 && errno == EINTR) return false;
  if (rc < 0) status = -1;
  return rc != 0;
}

}  // namespace

// Collects standard error until its end, keeping the last kMessagesLimit bytes.
struct Child::Messages {
  explicit Messages(Fd fd)
      : err(std::move(fd)), thread([this](const std::stop_token& ended) { collect(ended); }) {}

  // Once the child has ended, all that it wrote is in the pipe; a process that it left behind may
  // hold the pipe open, and write, for ever.
  void collect(const std::stop_token& ended) {
    std::array<char, 4096> buffer;
    for (int last_reads = 0; last_reads < kLastReads;) {
      if (ended.stop_requested()) ++last_reads;
      pollfd p{.fd = err.get(), .events = POLLIN, .revents = 0};
      const int ready = ::poll(&p, 1, last_reads > 0 ? 0 : static_cast<int>(kSlice.count()));
      if (ready == 0 && last_reads > 0) return;
      if (ready <= 0) continue;
      const ssize_t n = ::read(err.get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      text.append(buffer.data(), static_cast<std::size_t>(n));
      if (text.size() > kMessagesLimit) text.erase(0, text.size() - kMessagesLimit);
    }
  }

  // Everything it said; ends the thread.
  std::string_view all() {
    thread.request_stop();
    if (thread.joinable()) thread.join();
    return trim(text);
  }

  static constexpr std::chrono::milliseconds kSlice{100};
  static constexpr int kLastReads = 1024;

  Fd err;
  std::string text;  // the thread's until it has ended
  std::jthread thread;
};

std::vector<std::string> child_environment(const std::vector<std::string>& extra) {
  std::vector<std::string> env = environment_without([&](std::string_view name) {
    return is_private(name) ||
           std::ranges::any_of(extra, [&](const std::string& e) { return name_of(e) == name; });
  });
  env.insert(env.end(), extra.begin(), extra.end());
  return env;
}

std::vector<std::string> command_environment() { return environment_without(is_ours); }

pid_t start_detached(const Command& command, const std::filesystem::path& output) {
  const Fd file(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                       S_IRUSR | S_IWUSR));
  if (!file) throw_errno(output.native());
  SpawnPlan plan;
  plan.leave_session();
  plan.attach(-1, STDIN_FILENO);
  plan.attach(file.get(), STDOUT_FILENO);
  plan.attach(file.get(), STDERR_FILENO);
  return plan.run(command);
}

void become(const Command& command) {
  ::execvpe(command.argv.at(0).c_str(), pointers(command.argv).data(),
            pointers(command.env).data());
  throw_errno(command.argv[0]);
}

Child Child::start(const Command& command) {
  Pipe in;
  Pipe out;
  if (command.pipe_in) in = make_pipe();
  if (command.pipe_out) out = make_pipe();
  Pipe err = make_pipe(1 << 16);
  SpawnPlan plan;
  plan.attach(command.pipe_in ? in.read.get() : command.input, STDIN_FILENO);
  plan.attach(out.write.get(), STDOUT_FILENO);
  plan.attach(err.write.get(), STDERR_FILENO);
  const pid_t pid = plan.run(command);
  if (in.write) ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  Child child(std::filesystem::path(command.argv[0]).filename(), pid, std::move(in.write),
              std::move(out.read), std::move(err.read));
  child.holds_in_ = command.holds_in;
  // A new pipe has room for it: nothing is waited for.
  if (command.pipe_in) child.write(command.preface, {});
  return child;
}

Child Child::start_on(const Command& command, const Fd& socket) {
  Pipe err = make_pipe(1 << 16);
  SpawnPlan plan;
  plan.attach(socket.get(), STDIN_FILENO);
  plan.attach(socket.get(), STDOUT_FILENO);
  plan.attach(err.write.get(), STDERR_FILENO);
  const pid_t pid = plan.run(command);
  return Child(std::filesystem::path(command.argv[0]).filename(), pid, {}, {}, std::move(err.read));
}

Child::Child(std::string name, pid_t pid, Fd in, Fd out, Fd err)
    : name_(std::move(name)),
      pid_(pid),
      in_(std::move(in)),
      out_(std::move(out)),
      messages_(std::make_unique<Messages>(std::move(err))) {}

Child::Child(Child&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      holds_in_(other.holds_in_),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      messages_(std::move(other.messages_)) {}

Child::~Child() {
  if (pid_ < 0 || status_) return;
  in_.reset();
  ::kill(-pid_, SIGCONT);  // a stopped child can't act on SIGTERM
  ::kill(-pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kTermPatience;
  int status = 0;
  while (!reap(pid_, status)) {
    if (std::chrono::steady_clock::now() > deadline) {
      // One that runs as another user (sudo) is not ours to kill: it is left to its end.
      if (::kill(-pid_, SIGKILL) != 0 && errno == EPERM) return;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

std::size_t Child::read(std::span<char> into, const Wait& wait) {
  return read_some(out_, into, wait, name_);
}

bool Child::readable(std::chrono::milliseconds patience) const {
  pollfd p{.fd = out_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, static_cast<int>(patience.count())) > 0;
}

void Child::write(std::string_view bytes, const Wait& wait) {
  try {
    write_all(in_, bytes, wait, name_);
  } catch (const ProcessFailed&) {
    static_cast<void>(this->wait(wait.stop));  // throws with the child's own words if it failed
    throw;
  }
}

void Child::close_input() { in_.reset(); }

bool Child::has_ended() {
  int status = 0;
  if (!status_ && reap(pid_, status)) status_ = status;
  return status_.has_value();
}

std::string Child::wait(const std::stop_token& stop) {
  if (!holds_in_) in_.reset();
  while (!has_ended()) {
    check_stop(stop);
    std::this_thread::sleep_for(kPoll);
  }
  if (*status_ != 0) fail(*status_);
  return std::string(messages_->all());
}

void Child::fail(int status) {
  const std::string how = status == -1 ? "its exit status is lost (SIGCHLD is ignored)"
                          : WIFSIGNALED(status)
                              ? fmt::format("ended by signal {} ({})", WTERMSIG(status),
                                            ::sigdescr_np(WTERMSIG(status)))
                              : fmt::format("exit status {}", WEXITSTATUS(status));
  const std::string_view said = messages_->all();
  throw ProcessFailed(said.empty() ? fmt::format("{}: {}", name_, how)
                                   : fmt::format("{}: {}: {}", name_, how, said));
}

std::string run_command(Command command, const Wait& wait) {
  command.pipe_out = true;
  Child child = Child::start(command);
  std::string output;
  std::array<char, 16384> buffer;
  while (const std::size_t n = child.read(buffer, wait)) {
    output.append(buffer.data(), n);
    if (output.size() > kOutputLimit) throw Error(child.name() + ": endless output");
  }
  static_cast<void>(child.wait(wait.stop));
  return output;
}

}  // namespace pgstow
