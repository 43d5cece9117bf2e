#include "daemon/process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "base/environment.h"
#include "base/error.h"
#include "base/text.h"
#include "daemon/service_config.h"
#include "store/lock.h"
#include "store/random_id.h"

namespace pgstow {
namespace {

constexpr std::chrono::milliseconds kLook{50};

// One that does not say who holds it is just being let go.
bool still_held_by(int process, const std::optional<std::string>& holder) {
  return holder &&
         (!holder->starts_with("pid ") || holder->starts_with(fmt::format("pid {} on ", process)));
}

}  // namespace

std::optional<int> service_process(const std::filesystem::path& folder,
                                   const std::string& database) {
  const auto holder = holder_of_lock(folder, service_lock_name(database));
  if (!holder) return std::nullopt;
  // As lock_holder() writes it: "pid 12 on host db1 since ...".
  const std::vector<std::string_view> words = split(*holder, ' ');
  const auto pid = words.size() > 4 && words[0] == "pid" ? parse_int(words[1]) : std::nullopt;
  if (!pid || *pid <= 1) {
    throw Error(fmt::format("the service of {} runs, but did not say who it is: {}",
                            printable(database), *holder));
  }
  if (words[4] != host_name()) {
    throw Error(
        fmt::format("the service of {} runs on another host: {}", printable(database), *holder),
        "end it there");
  }
  return static_cast<int>(*pid);
}

bool stop_service(const std::filesystem::path& folder, const std::string& database,
                  std::chrono::milliseconds patience, const Context& context) {
  const std::optional<int> process = service_process(folder, database);
  if (!process) return false;
  if (::kill(*process, SIGTERM) != 0) throw_errno(fmt::format("process {}", *process));
  const auto until = std::chrono::steady_clock::now() + patience;
  while (still_held_by(*process, holder_of_lock(folder, service_lock_name(database)))) {
    if (std::chrono::steady_clock::now() > until) {
      throw Error(
          fmt::format("process {} has not ended after {}", *process, human_duration(patience)),
          "look at its log; `kill -KILL` ends it at once and harms no backup");
    }
    context.clock.sleep(kLook, context.stop);
  }
  return true;
}

ReadySocket::ReadySocket()
    : name_("pgstow-" + random_id()),
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (socket_ < 0) throw_errno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name_.data(), name_.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    ::close(socket_);
    throw_errno("socket");
  }
}

ReadySocket::~ReadySocket() { ::close(socket_); }

std::string ReadySocket::environment() const { return "NOTIFY_SOCKET=@" + name_; }

bool ReadySocket::ready_within(std::chrono::milliseconds time) {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(time.count())) <= 0) return false;
  std::array<char, 4096> text{};
  const ssize_t n = ::recv(socket_, text.data(), text.size(), 0);
  if (n <= 0) return false;
  for (const std::string_view line : split({text.data(), static_cast<std::size_t>(n)}, '\n')) {
    if (line == "READY=1") return true;
  }
  return false;
}

}  // namespace pgstow
