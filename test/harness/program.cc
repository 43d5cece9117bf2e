#include "harness/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace pgstow::test {
namespace {

constexpr std::array<const char*, 4> kInherited = {"PATH", "HOME", "LANG", "TZ"};

std::vector<std::string> clean_environment(const std::vector<std::string>& extra) {
  std::vector<std::string> env;
  for (const char* name : kInherited) {
    const std::string prefix = std::string(name) + "=";
    bool given = false;
    for (const std::string& entry : extra) given = given || entry.starts_with(prefix);
    const char* value = std::getenv(name);
    if (value != nullptr && !given) env.push_back(prefix + value);
  }
  env.insert(env.end(), extra.begin(), extra.end());
  return env;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

Fd memory_file(const char* name) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) throw_errno("memfd_create");
  return fd;
}

std::string content(const Fd& fd) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n =
        ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (n < 0) throw_errno("reading a program's output");
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Fd input_file(const std::string& text) {
  Fd fd = memory_file("stdin");
  write_all(fd, text, Wait{}, "a program's input");
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) throw_errno("lseek");
  return fd;
}

pid_t spawn(const Program& program, const Fd& in, const Fd& out, const Fd& err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.get(), STDERR_FILENO);
  if (!program.folder.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, program.folder.c_str());
  }
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int rc = ::posix_spawnp(&pid, program.argv.at(0).c_str(), &actions, &attributes,
                                pointers(program.argv).data(),
                                pointers(clean_environment(program.env)).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (rc != 0) throw_errno(fmt::format("starting {}", program.argv[0]), rc);
  return pid;
}

int await(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("waitpid");
  }
  return status;
}

}  // namespace

TempDir::TempDir(const std::string& prefix, const std::filesystem::path& base) {
  std::string name = (base / (prefix + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_errno("opening " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) throw_errno("writing " + path.string());
}

std::string Outcome::describe() const {
  const std::string how =
      signal != 0 ? fmt::format("signal {}", signal) : fmt::format("exit {}", exit_code);
  return fmt::format("{}\nstdout: {}\nstderr: {}", how, out, err);
}

Outcome run(const Program& program) { return Running(program).wait(); }

std::string run_ok(const Program& program) {
  Outcome outcome = run(program);
  if (!outcome.ok()) throw Error(fmt::format("{}: {}", program.argv.at(0), outcome.describe()));
  return std::move(outcome.out);
}

Running::Running(const Program& program)
    : name_(program.argv.at(0)),
      timeout_(program.timeout),
      out_(memory_file("stdout")),
      err_(memory_file("stderr")) {
  pid_ = spawn(program, input_file(program.input), out_, err_);
  handle_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!handle_) {
    const int code = errno;
    kill_group();
    throw_errno("pidfd_open", code);
  }
}

Running::Running(Running&& other) noexcept
    : name_(std::move(other.name_)),
      timeout_(other.timeout_),
      pid_(std::exchange(other.pid_, -1)),
      handle_(std::move(other.handle_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Running::~Running() { kill_group(); }

void Running::kill_group() noexcept {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void Running::signal(int number) const {
  if (::kill(pid_, number) != 0) throw_errno("kill " + name_);
}

bool Running::ended() const {
  pollfd p{.fd = handle_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, 0) > 0;
}

std::string Running::out() const { return content(out_); }
std::string Running::err() const { return content(err_); }

Outcome Running::wait() {
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  pollfd p{.fd = handle_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&p, 1, 100) <= 0) {
    if (std::chrono::steady_clock::now() < deadline) continue;
    kill_group();
    throw Error(fmt::format("{}: not done in {} s\nstdout: {}\nstderr: {}", name_, timeout_.count(),
                            out(), err()));
  }
  const int status = await(std::exchange(pid_, -1));
  Outcome outcome;
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  outcome.out = out();
  outcome.err = err();
  return outcome;
}

}  // namespace pgstow::test
