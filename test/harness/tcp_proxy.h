// A bad network between a client and a server of 127.0.0.1, whatever they speak: TLS as well as
// plain HTTP or PostgreSQL.
//
//   TcpProxy proxy(port_of_the_server);
//   proxy.set_plan({.fate = Fate::kReset, .after_bytes = 100'000});
//   proxy.set_plans(chaos(seed, {.reset = 0.2, .stall = 0.1}));
//   ... a client at proxy.port() ...
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

#include "harness/tcp_server.h"

namespace pgstow::test {

enum class Way { kToServer, kToClient };

enum class Fate {
  kPass,
  kReset,      // both sides get a RST
  kHalfClose,  // the receiver reads its end, what follows is dropped, and the other way goes on
  kStall,      // nothing more arrives on either side, until the client goes
  kFlip,       // one bit of the next byte is changed
};

// What happens to one connection: its fate meets it when so many bytes have gone that way.
struct Plan {
  Fate fate = Fate::kPass;
  Way way = Way::kToServer;
  std::uint64_t after_bytes = 0;
  std::chrono::milliseconds delay{0};  // of every piece, both ways
  std::uint64_t bytes_per_second = 0;  // each way; 0: as fast as can be
};

// Chances of one connection; what is left of 1 passes. Those that are slow are so beside their
// fate.
struct Odds {
  double reset = 0;
  double half_close = 0;
  double stall = 0;
  double flip = 0;
  double slow = 0;                       // gets a delay of up to `most_delay`
  std::uint64_t within_bytes = 1 << 20;  // fates meet at a place before this
  std::chrono::milliseconds most_delay{20};
};

// Plans for one connection after the other, the same for the same seed.
std::function<Plan()> chaos(unsigned seed, const Odds& odds);

struct ProxyCounts {
  int connections = 0;
  int resets = 0;
  int half_closes = 0;
  int stalls = 0;
  int flips = 0;
  std::uint64_t bytes_to_server = 0;
  std::uint64_t bytes_to_client = 0;
};

// All methods may be called from several threads. Ends its connections when it is destroyed.
class TcpProxy {
 public:
  explicit TcpProxy(int server_port);
  ~TcpProxy();

  int port() const { return server_.port(); }
  // For connections that come after the call.
  void set_plan(const Plan& plan);
  void set_plans(std::function<Plan()> next);
  void reset_all();  // the present connections, now
  ProxyCounts counts() const;

 private:
  void relay(TcpPeer& client);
  Plan next_plan();
  void count(std::uint64_t to_server, std::uint64_t to_client);
  void count(Fate fate);

  const int server_port_;
  mutable std::mutex mutex_;  // of the two below
  std::function<Plan()> next_ = [] { return Plan{}; };
  ProxyCounts counts_;
  std::atomic<int> resets_ordered_ = 0;
  std::atomic<bool> ending_ = false;
  TcpServer server_;
};

}  // namespace pgstow::test
