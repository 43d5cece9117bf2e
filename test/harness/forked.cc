#include "harness/forked.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <utility>

#include "base/error.h"

namespace pgstow::test {
namespace {

int result_of(const std::function<int()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    static_cast<void>(std::fprintf(stderr, "forked child: %s\n", e.what()));
    return 99;
  }
}

}  // namespace

Forked::Forked(const std::function<int()>& work) : pid_(::fork()) {
  if (pid_ < 0) throw_errno("fork");
  if (pid_ == 0) ::_exit(result_of(work));
}

Forked::Forked(Forked&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Forked::~Forked() {
  if (pid_ < 0) return;
  kill();
  ::waitpid(pid_, nullptr, 0);
}

void Forked::kill() const { ::kill(pid_, SIGKILL); }

int Forked::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("waitpid");
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void Announcement::wait() {
  pipe_.write.reset();  // our own copy would keep it open for ever
  char byte = 0;
  while (::read(pipe_.read.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

bool Announcement::made() const {
  pollfd p{.fd = pipe_.read.get(), .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, 0) > 0;
}

}  // namespace pgstow::test
