#include "pg/tunnel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <list>
#include <mutex>
#include <random>
#include <thread>

#include "base/child.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/relay.h"

namespace pgstow::pg {
namespace {

constexpr std::chrono::seconds kUntilReaped{1};
constexpr std::chrono::milliseconds kSlice{50};
constexpr int kBacklog = 64;
constexpr const char* kPort = "5432";  // a part of the socket's name, whatever the server's is

std::string random_name() {
  std::random_device random;
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    const auto value = random();
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return "@pgstow-" + hex(bytes);
}

// Where libpq looks for a host that begins with @ (UNIXSOCK_PATH in pqcomm.h; PostgreSQL 14).
Fd listen_at(const std::string& name) {
  const std::string path = name + "/.s.PGSQL." + kPort;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  address.sun_path[0] = '\0';
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    throw_errno("a socket for the tunnel to the server");
  }
  return fd;
}

bool is_ours(const Fd& connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

}  // namespace

struct Tunnel::Relays {
  explicit Relays(Runner to) : runner(std::move(to)) {}

  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd p{.fd = listener.get(), .events = POLLIN, .revents = 0};
      if (::poll(&p, 1, static_cast<int>(kSlice.count())) > 0) accept_one();
      children.remove_if([this](Child& child) { return is_over(child); });
    }
    children.clear();
  }

  // Whoever can't be served finds the connection closed, and problem() tells why.
  void accept_one() {
    const Fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection || !is_ours(connection)) return;
    try {
      children.push_back(Child::start_on(relay_command(runner), connection));
    } catch (const Error& e) {
      note(e.what());
    }
  }

  bool is_over(Child& child) {
    if (!child.has_ended()) return false;
    try {
      child.wait({});
    } catch (const Error& e) {
      note(e.what());
    }
    return true;
  }

  void note(std::string text) {
    {
      const std::lock_guard guard(mutex);
      problem = std::move(text);
    }
    noted.notify_all();
  }

  const Runner runner;
  const std::string name = random_name();
  const Fd listener = listen_at(name);
  std::list<Child> children;  // the thread's
  std::mutex mutex;
  std::string problem;  // under the mutex
  std::condition_variable noted;
  std::jthread thread{[this](const std::stop_token& stop) { serve(stop); }};
};

Tunnel::Tunnel(Runner runner) : relays_(std::make_unique<Relays>(std::move(runner))) {}

Tunnel::~Tunnel() = default;

Parameters Tunnel::through(Parameters server) const {
  server["host"] = relays_->name;
  server["port"] = kPort;
  server.erase("hostaddr");
  return server;
}

std::string Tunnel::problem() const {
  std::unique_lock lock(relays_->mutex);
  relays_->noted.wait_for(lock, kUntilReaped, [&] { return !relays_->problem.empty(); });
  return relays_->problem;
}

}  // namespace pgstow::pg
