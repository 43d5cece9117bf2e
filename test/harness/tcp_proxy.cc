#include "harness/tcp_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <string>
#include <utility>

namespace pgstow::test {
namespace {

using Instant = std::chrono::steady_clock::time_point;

constexpr std::size_t kPieceBytes = 65'536;
constexpr std::chrono::milliseconds kLook{20};  // how late an order from outside may be noticed
constexpr int kPiecesPerSecond = 50;            // when the rate is limited

void make_non_blocking(int fd) {
  if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) throw_errno("fcntl");
}

bool would_block() { return errno == EAGAIN || errno == EINTR; }

// One way of a connection: bytes are read, wait for their time, and are written.
class Lane {
 public:
  Lane(int from, int to, const Plan& plan, bool fated) : from_(from), to_(to), plan_(plan) {
    if (fated) fate_ = plan.fate;
  }

  bool wants_bytes() const { return !ended_ && held_.empty(); }
  bool may_write(Instant now) const { return !held_.empty() && now >= due_; }
  bool waits(Instant now) const { return !held_.empty() && now < due_; }
  bool over() const { return ended_ && held_.empty(); }
  Instant due() const { return due_; }
  std::uint64_t moved() const { return moved_; }

  // Whether its fate, if it has one, is to be met now.
  bool met() const { return fate_ != Fate::kPass && moved_ >= plan_.after_bytes; }
  Fate take_fate() { return std::exchange(fate_, Fate::kPass); }
  void flip_next() { flip_ = true; }
  void close_half() {
    ::shutdown(to_, SHUT_WR);
    deaf_ = true;
    held_.clear();
  }

  // Throws PeerGone.
  void read() {
    held_.resize(kPieceBytes);
    const ssize_t n = ::recv(from_, held_.data(), held_.size(), 0);
    held_.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && !would_block()) throw PeerGone();
    if (n == 0) {
      ended_ = true;
      if (!deaf_) ::shutdown(to_, SHUT_WR);
    }
    if (deaf_) held_.clear();
    due_ = std::max(due_, std::chrono::steady_clock::now() + plan_.delay);
  }

  // At most up to the place where its fate meets it. Throws PeerGone.
  void write() {
    std::size_t size = held_.size();
    if (fate_ != Fate::kPass) size = std::min<std::uint64_t>(size, plan_.after_bytes - moved_);
    if (plan_.bytes_per_second > 0) {
      const std::uint64_t piece = plan_.bytes_per_second / kPiecesPerSecond;
      size = std::min<std::uint64_t>(size, std::max<std::uint64_t>(piece, 1));
    }
    if (std::exchange(flip_, false)) held_[0] = static_cast<char>(held_[0] ^ 1);
    const ssize_t n = ::send(to_, held_.data(), size, MSG_NOSIGNAL);
    if (n < 0 && !would_block()) throw PeerGone();
    if (n <= 0) return;
    held_.erase(0, static_cast<std::size_t>(n));
    moved_ += static_cast<std::uint64_t>(n);
    if (plan_.bytes_per_second > 0) {
      const double seconds = static_cast<double>(n) / static_cast<double>(plan_.bytes_per_second);
      due_ = std::chrono::steady_clock::now() +
             std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
    }
  }

 private:
  const int from_;
  const int to_;
  const Plan plan_;
  Fate fate_ = Fate::kPass;
  std::string held_;
  Instant due_{};
  std::uint64_t moved_ = 0;
  bool ended_ = false;
  bool deaf_ = false;
  bool flip_ = false;
};

// Both ways of one connection.
class Relay {
 public:
  Relay(int client, int server, const Plan& plan)
      : client_(client),
        server_(server),
        way_(plan.way),
        up_(client, server, plan, plan.way == Way::kToServer),
        down_(server, client, plan, plan.way == Way::kToClient) {
    make_non_blocking(client);
    make_non_blocking(server);
  }

  // Moves what can be moved, and waits a moment when nothing can. Throws PeerGone.
  void step() {
    const Instant now = std::chrono::steady_clock::now();
    std::array<pollfd, 2> fds = {
        {{.fd = client_, .events = events(up_, down_, now), .revents = 0},
         {.fd = server_, .events = events(down_, up_, now), .revents = 0}}};
    for (pollfd& one : fds) {
      if (one.events == 0) one.fd = -1;  // or its hang-up would wake us again and again
    }
    ::poll(fds.data(), fds.size(), patience(now));
    serve(up_, fds[0], fds[1], now);
    serve(down_, fds[1], fds[0], now);
  }

  bool over() const { return up_.over() && down_.over(); }
  // The fate that is to be met now.
  Fate take_fate() { return lane().met() ? lane().take_fate() : Fate::kPass; }
  void close_half() { lane().close_half(); }
  void flip_next() { lane().flip_next(); }
  std::uint64_t to_server() const { return up_.moved(); }
  std::uint64_t to_client() const { return down_.moved(); }

 private:
  Lane& lane() { return way_ == Way::kToServer ? up_ : down_; }

  static short events(const Lane& out, const Lane& in, Instant now) {
    return static_cast<short>((out.wants_bytes() ? POLLIN : 0) | (in.may_write(now) ? POLLOUT : 0));
  }

  int patience(Instant now) const {
    std::chrono::milliseconds least = kLook;
    for (const Lane* lane : {&up_, &down_}) {
      if (!lane->waits(now)) continue;
      least = std::min(least, std::chrono::ceil<std::chrono::milliseconds>(lane->due() - now));
    }
    return static_cast<int>(least.count());
  }

  static void serve(Lane& lane, const pollfd& from, const pollfd& to, Instant now) {
    if (lane.wants_bytes() && from.revents != 0) lane.read();
    if (lane.may_write(now) && to.revents != 0) lane.write();
  }

  const int client_;
  const int server_;
  const Way way_;
  Lane up_;
  Lane down_;
};

void wait_until_gone(int client, const std::function<bool()>& ordered) {
  pollfd p{.fd = client, .events = POLLRDHUP, .revents = 0};
  while (::poll(&p, 1, static_cast<int>(kLook.count())) == 0 && !ordered()) continue;
}

}  // namespace

std::function<Plan()> chaos(unsigned seed, const Odds& odds) {
  return [dice = std::mt19937_64(seed), odds]() mutable {
    // Not std's distributions: what they make of a seed differs between libraries.
    const auto chance = [&] { return static_cast<double>(dice() >> 11) * 0x1p-53; };
    Plan plan;
    double left = chance();
    for (const auto& [fate, share] : {std::pair{Fate::kReset, odds.reset},
                                      {Fate::kHalfClose, odds.half_close},
                                      {Fate::kStall, odds.stall},
                                      {Fate::kFlip, odds.flip}}) {
      if (left >= 0 && left < share) plan.fate = fate;
      left -= share;
    }
    plan.way = chance() < 0.5 ? Way::kToServer : Way::kToClient;
    plan.after_bytes = dice() % std::max<std::uint64_t>(odds.within_bytes, 1);
    const auto most = static_cast<std::uint64_t>(odds.most_delay.count());
    const std::uint64_t delay = dice() % (most + 1);
    if (chance() < odds.slow) plan.delay = std::chrono::milliseconds(delay);
    return plan;
  };
}

TcpProxy::TcpProxy(int server_port)
    : server_port_(server_port), server_([this](TcpPeer& client) { relay(client); }) {}

TcpProxy::~TcpProxy() { ending_ = true; }

void TcpProxy::set_plan(const Plan& plan) {
  set_plans([plan] { return plan; });
}

void TcpProxy::set_plans(std::function<Plan()> next) {
  const std::lock_guard guard(mutex_);
  next_ = std::move(next);
}

void TcpProxy::reset_all() { ++resets_ordered_; }

ProxyCounts TcpProxy::counts() const {
  const std::lock_guard guard(mutex_);
  return counts_;
}

void TcpProxy::relay(TcpPeer& client) {
  const int resets = resets_ordered_;
  const auto ordered = [&] { return ending_ || resets_ordered_ != resets; };
  TcpPeer server(connect_to(server_port_));
  Relay relay(client.fd(), server.fd(), next_plan());
  const auto reset = [&] {
    client.reset();
    server.reset();
  };
  while (!relay.over()) {
    const Fate fate = relay.take_fate();
    count(fate);
    if (ordered() || fate == Fate::kReset) return reset();
    if (fate == Fate::kStall) return wait_until_gone(client.fd(), ordered);
    if (fate == Fate::kHalfClose) relay.close_half();
    if (fate == Fate::kFlip) relay.flip_next();
    const std::uint64_t to_server = relay.to_server();
    const std::uint64_t to_client = relay.to_client();
    relay.step();
    count(relay.to_server() - to_server, relay.to_client() - to_client);
  }
}

void TcpProxy::count(std::uint64_t to_server, std::uint64_t to_client) {
  const std::lock_guard guard(mutex_);
  counts_.bytes_to_server += to_server;
  counts_.bytes_to_client += to_client;
}

void TcpProxy::count(Fate fate) {
  const std::lock_guard guard(mutex_);
  if (fate == Fate::kReset) ++counts_.resets;
  if (fate == Fate::kHalfClose) ++counts_.half_closes;
  if (fate == Fate::kStall) ++counts_.stalls;
  if (fate == Fate::kFlip) ++counts_.flips;
}

Plan TcpProxy::next_plan() {
  const std::lock_guard guard(mutex_);
  ++counts_.connections;
  return next_();
}

}  // namespace pgstow::test
