#include "daemon/supervisor.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/environment.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow {
namespace {

// WATCHDOG_PID tells which process is meant; without it, whoever sees the variable.
std::optional<std::chrono::microseconds> watchdog() {
  const std::string pid = environment("WATCHDOG_PID").value_or("");
  if (!pid.empty() && pid != std::to_string(::getpid())) return std::nullopt;
  const auto period = parse_int(environment("WATCHDOG_USEC").value_or(""));
  if (!period || *period <= 0) return std::nullopt;
  return std::chrono::microseconds(*period / 2);
}

}  // namespace

Supervisor Supervisor::of_environment() {
  Supervisor supervisor;
  supervisor.socket_ = environment("NOTIFY_SOCKET").value_or("");
  ::unsetenv("NOTIFY_SOCKET");
  if (!supervisor.socket_.empty()) supervisor.interval_ = watchdog();
  return supervisor;
}

void Supervisor::tell(std::string_view lines) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // in the abstract name space
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  // One that is stuck, its queue full, must not hold the service.
  const timeval patience{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  static_cast<void>(::sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length));
}

}  // namespace pgstow
