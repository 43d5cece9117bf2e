#include "base/fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace pgstow {
namespace {

constexpr std::chrono::milliseconds kSlice{100};  // how late a stop may be noticed

// Waits until fd is ready for `events`.
void wait_ready(const Fd& fd, short events, const Wait& wait, std::string_view what) {
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    check_stop(wait.stop);
    pollfd p{.fd = fd.get(), .events = events, .revents = 0};
    const int n = ::poll(&p, 1, static_cast<int>(kSlice.count()));
    if (n > 0) return;
    if (n < 0 && errno != EINTR) throw_errno(fmt::format("{}: poll", what));
    if (wait.stall.count() > 0 && std::chrono::steady_clock::now() - begin > wait.stall) {
      throw Transient(fmt::format("{}: nothing moved for {} s", what, wait.stall.count() / 1000));
    }
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void check_stop(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Cancelled();
}

std::size_t read_some(const Fd& fd, std::span<char> into, const Wait& wait, std::string_view what) {
  for (;;) {
    wait_ready(fd, POLLIN, wait, what);
    const ssize_t n = ::read(fd.get(), into.data(), into.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR && errno != EAGAIN) throw_errno(fmt::format("{}: read", what));
  }
}

void write_all(const Fd& fd, std::string_view bytes, const Wait& wait, std::string_view what) {
  while (!bytes.empty()) {
    wait_ready(fd, POLLOUT, wait, what);
    // A blocking pipe may take a whole write only in several steps; PIPE_BUF-sized steps would be
    // slow, so the descriptor is expected to be non-blocking (Child makes it so).
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EPIPE) {
      throw ProcessFailed(fmt::format("{}: it closed its input early", what));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw_errno(fmt::format("{}: write", what));
    }
  }
}

Pipe make_pipe(int capacity) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
  Pipe pipe{.read = Fd(ends[0]), .write = Fd(ends[1])};
  // Refused above /proc/sys/fs/pipe-max-size for ordinary users: the default size works, too.
  static_cast<void>(::fcntl(pipe.read.get(), F_SETPIPE_SZ, capacity));
  return pipe;
}

}  // namespace pgstow
