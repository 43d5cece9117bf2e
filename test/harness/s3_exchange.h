// One request to the scripted server and the reply to it, for whoever plays a behaviour.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "harness/http_call.h"
#include "harness/s3_access.h"
#include "harness/s3_call.h"
#include "harness/s3_memory.h"
#include "harness/tcp_server.h"

namespace pgstow::test {

// What all connections to a scripted server share. Thread-safe.
class S3World {
 public:
  S3World(AccessRules access, S3Memory::Rules rules, std::chrono::milliseconds trickle)
      : memory(rules), trickle_pause(trickle), access_(std::move(access)) {}

  S3Memory memory;
  const std::chrono::milliseconds trickle_pause;  // between the pieces of a slow reply

  // Where the world is reached; the other one leads to it, too.
  std::string url() const;
  std::string other_url() const;
  void set_urls(std::string url, std::string other_url);

  AccessRules access() const;
  void set_keys(S3Keys keys);
  void set_region(std::string region);  // and no other one
  void accept_region(std::string region);
  void set_clock_offset(std::chrono::seconds offset);

  int new_request() { return ++requests_; }

 private:
  std::atomic<int> requests_ = 0;
  mutable std::mutex mutex_;  // of all below
  AccessRules access_;
  std::string url_;
  std::string other_url_;
};

// For the thread of its connection.
class S3Exchange {
 public:
  S3Exchange(S3World& world, TcpPeer& peer, HttpReader& reader, S3Call call);

  S3World& world() { return world_; }
  TcpPeer& peer() { return peer_; }
  HttpReader& reader() { return reader_; }

  // What the request asks for and its body say how it is understood; behaviours may change it.
  S3Call call;
  // No further request is read from this connection.
  bool last = false;

  // Reads the body unless it is there; the reply to a request that must not be carried out.
  std::optional<S3Reply> refusal();
  // Does it without any check.
  S3Reply apply() { return world_.memory.carry_out(call); }
  // A correct server's reply: refused or done.
  S3Reply carry_out();

  // With the headers that every S3 server sends.
  S3Reply dressed(S3Reply reply) const;
  // The bytes of a reply, dressed.
  std::string text(const S3Reply& reply) const;
  void reply(const S3Reply& reply) { peer_.send(text(reply)); }
  void read_body();

 private:
  S3World& world_;
  TcpPeer& peer_;
  HttpReader& reader_;
  const std::string id_;  // of the request, in its reply
};

}  // namespace pgstow::test
