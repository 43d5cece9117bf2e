#include "harness/scripted_http.h"

#include <fmt/format.h>

#include <utility>

namespace pgstow::test {
namespace {

ScriptedHttp::Play replying(S3Reply reply) {
  return [reply = std::move(reply)](TcpPeer& peer, const HttpCall& call) {
    peer.send(reply_text(reply, call.method));
  };
}

}  // namespace

std::string ScriptedHttp::url() const { return fmt::format("http://127.0.0.1:{}", port()); }

ScriptedHttp& ScriptedHttp::then(S3Reply reply) { return then_play(replying(std::move(reply))); }

ScriptedHttp& ScriptedHttp::then_stall() {
  return then_play([](TcpPeer& peer, const HttpCall&) { peer.stall(); });
}

ScriptedHttp& ScriptedHttp::then_reset() {
  return then_play([](TcpPeer& peer, const HttpCall&) {
    peer.reset();
    throw PeerGone();
  });
}

ScriptedHttp& ScriptedHttp::then_play(Play play) {
  const std::lock_guard lock(mutex_);
  script_.push_back(std::move(play));
  return *this;
}

std::vector<HttpCall> ScriptedHttp::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

ScriptedHttp::Play ScriptedHttp::next() {
  const std::lock_guard lock(mutex_);
  if (script_.empty()) return replying(usual_);
  Play play = std::move(script_.front());
  script_.pop_front();
  return play;
}

void ScriptedHttp::serve(TcpPeer& peer) {
  HttpReader reader(peer);
  while (std::optional<HttpCall> call = reader.head()) {
    reader.body(*call);
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(*call);
    }
    next()(peer, *call);
  }
}

}  // namespace pgstow::test
