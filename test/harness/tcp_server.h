// A TCP server in the test process: a free port of 127.0.0.1, a thread for each connection. What a
// conversation says, and how rudely it ends, is up to the function that serves it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "base/fd.h"

namespace pgstow::test {

// The other side is gone or the server ends: what every conversation ends by sooner or later.
class PeerGone : public Error {
 public:
  PeerGone() : Error("the peer is gone") {}
};

// One connection, for the thread that serves it; only interrupt() is for others.
class TcpPeer {
 public:
  explicit TcpPeer(Fd fd) : fd_(std::move(fd)) {}

  // At least one byte, or 0 when the other side has sent all. Throws PeerGone after a reset.
  std::size_t receive(std::span<char> into);
  void send(std::string_view bytes);
  // Waits so long, or until the other side goes: then throws PeerGone.
  void pause(std::chrono::milliseconds duration);
  // Says and hears nothing until the other side goes, and then throws PeerGone.
  [[noreturn]] void stall();
  void finish_sending();  // the other side reads its end, and may go on sending
  void close();           // in order (FIN) if all that came was read
  void reset();           // at once (RST)
  void interrupt() noexcept;
  int fd() const { return fd_.get(); }  // to poll, read and write otherwise

 private:
  std::mutex mutex_;  // of fd_ against interrupt()
  Fd fd_;
};

// A connection to a port of 127.0.0.1. Throws Error.
Fd connect_to(int port);

// Accepts until it is destroyed: then every conversation is interrupted and its thread awaited.
class TcpServer {
 public:
  // serve() is called in the connection's thread, which closes the connection when it returns. What
  // it throws other than PeerGone is printed.
  explicit TcpServer(std::function<void(TcpPeer&)> serve);
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;
  ~TcpServer();

  int port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  struct Conversation {
    explicit Conversation(Fd fd) : peer(std::move(fd)) {}
    TcpPeer peer;
    std::atomic<bool> over = false;
    std::jthread thread;
  };
  void accept_all();
  void begin(Fd fd);
  void hold(Conversation& conversation) const;
  void talk(TcpPeer& peer) const;

  const std::function<void(TcpPeer&)> serve_;
  Fd listener_;
  int port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;  // of the two below
  bool ending_ = false;
  std::list<Conversation> conversations_;
  std::jthread acceptor_;
};

}  // namespace pgstow::test
