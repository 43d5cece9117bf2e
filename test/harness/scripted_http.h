// An HTTP server in the test process that replies as it is told, and keeps what it was sent.
//
//   ScriptedHttp http;
//   http.then({.status = 500}).then({.status = 200});
//   ... a client at http.url() ...
//   EXPECT_EQ(http.calls().size(), 2U);
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "harness/http_call.h"
#include "harness/s3_server.h"
#include "harness/tcp_server.h"

namespace pgstow::test {

// All methods may be called from several threads, while clients are at work.
class ScriptedHttp {
 public:
  using Play = std::function<void(TcpPeer&, const HttpCall&)>;

  // What is said to every request for which nothing else is scripted.
  explicit ScriptedHttp(S3Reply usual = {.status = 200, .headers = {}, .body = {}})
      : usual_(std::move(usual)) {}

  std::string url() const;  // "http://127.0.0.1:PORT"
  int port() const { return server_.port(); }
  int accepted() const { return server_.accepted(); }  // connections

  // Each is for one request, in their order.
  ScriptedHttp& then(S3Reply reply);
  ScriptedHttp& then_stall();
  ScriptedHttp& then_reset();
  ScriptedHttp& then_play(Play play);

  std::vector<HttpCall> calls() const;

 private:
  void serve(TcpPeer& peer);
  Play next();

  const S3Reply usual_;
  mutable std::mutex mutex_;  // of the two below
  std::deque<Play> script_;
  std::vector<HttpCall> calls_;
  TcpServer server_{[this](TcpPeer& peer) { serve(peer); }};  // last: nobody speaks to what is gone
};

}  // namespace pgstow::test
