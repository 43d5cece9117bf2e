#include "harness/tcp_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/log.h"

namespace pgstow::test {
namespace {

constexpr int kBacklog = 256;

Fd new_socket() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno("socket");
  return fd;
}

sockaddr_in local_address(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_at_once(const Fd& fd) {
  const int yes = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Fd listen_somewhere() {
  Fd fd = new_socket();
  sockaddr_in address = local_address(0);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    throw_errno("listening");
  }
  return fd;
}

int port_of(const Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw_errno("getsockname");
  }
  return ntohs(address.sin_port);
}

}  // namespace

std::size_t TcpPeer::receive(std::span<char> into) {
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) throw PeerGone();
  }
}

void TcpPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      throw PeerGone();
    }
  }
}

// No event but the end of the connection is waited for; an interrupted one has ended, too.
void TcpPeer::pause(std::chrono::milliseconds duration) {
  pollfd p{.fd = fd_.get(), .events = POLLRDHUP, .revents = 0};
  if (!fd_ || ::poll(&p, 1, static_cast<int>(duration.count())) != 0) throw PeerGone();
}

void TcpPeer::stall() {
  for (;;) pause(std::chrono::minutes(1));
}

void TcpPeer::finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }

void TcpPeer::close() {
  const std::lock_guard guard(mutex_);
  fd_.reset();
}

void TcpPeer::reset() {
  const std::lock_guard guard(mutex_);
  if (!fd_) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

void TcpPeer::interrupt() noexcept {
  const std::lock_guard guard(mutex_);
  if (fd_) ::shutdown(fd_.get(), SHUT_RDWR);
}

Fd connect_to(int port) {
  Fd fd = new_socket();
  sockaddr_in address = local_address(port);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw_errno(fmt::format("connecting to port {}", port));
  }
  send_at_once(fd);
  return fd;
}

TcpServer::TcpServer(std::function<void(TcpPeer&)> serve)
    : serve_(std::move(serve)),
      listener_(listen_somewhere()),
      port_(port_of(listener_)),
      acceptor_([this] { accept_all(); }) {}

TcpServer::~TcpServer() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
    for (Conversation& conversation : conversations_) conversation.peer.interrupt();
  }
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept()
  acceptor_.join();
}

void TcpServer::accept_all() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::lock_guard guard(mutex_);
    if (ending_) return;
    if (fd) begin(std::move(fd));
    conversations_.remove_if([](const Conversation& one) { return one.over.load(); });
  }
}

void TcpServer::begin(Fd fd) {
  send_at_once(fd);
  ++accepted_;
  Conversation& conversation = conversations_.emplace_back(std::move(fd));
  conversation.thread = std::jthread([this, &conversation] { hold(conversation); });
}

void TcpServer::talk(TcpPeer& peer) const {
  try {
    serve_(peer);
  } catch (const PeerGone&) {
    return;  // nobody is left to talk to
  } catch (const std::exception& e) {
    to_stderr(fmt::format("test server: {}\n", e.what()));
  }
}

void TcpServer::hold(Conversation& conversation) const {
  talk(conversation.peer);
  conversation.peer.close();
  conversation.over = true;
}

}  // namespace pgstow::test
