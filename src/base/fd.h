// File descriptors: ownership, and reads and writes that can be stopped.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>

namespace pgstow {

// Owns one descriptor; closes it on destruction. Move-only.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// How long a read or write may wait: until `stop` is asked for (throws Cancelled), or until nothing
// moved for `stall` (throws Transient). A zero stall waits for ever.
struct Wait {
  std::stop_token stop = {};
  std::chrono::milliseconds stall = std::chrono::milliseconds(0);
};

// Throws Cancelled when a stop was asked for.
void check_stop(const std::stop_token& stop);

// Reads what is there, at most into.size() bytes; 0 at end of file. `what` names the thing in
// errors.
std::size_t read_some(const Fd& fd, std::span<char> into, const Wait& wait, std::string_view what);

// Writes all bytes to a pipe or socket; EPIPE throws ProcessFailed.
void write_all(const Fd& fd, std::string_view bytes, const Wait& wait, std::string_view what);

struct Pipe {
  Fd read;
  Fd write;
};

// A close-on-exec pipe of `capacity` bytes (best effort: the system may give less).
Pipe make_pipe(int capacity = 1 << 20);

}  // namespace pgstow
