#include "harness/s3_exchange.h"

#include <fmt/format.h>

#include <utility>

namespace pgstow::test {

std::string S3World::url() const {
  const std::lock_guard guard(mutex_);
  return url_;
}

std::string S3World::other_url() const {
  const std::lock_guard guard(mutex_);
  return other_url_;
}

void S3World::set_urls(std::string url, std::string other_url) {
  const std::lock_guard guard(mutex_);
  url_ = std::move(url);
  other_url_ = std::move(other_url);
}

AccessRules S3World::access() const {
  const std::lock_guard guard(mutex_);
  return access_;
}

void S3World::set_keys(S3Keys keys) {
  const std::lock_guard guard(mutex_);
  access_.keys = std::move(keys);
}

void S3World::set_region(std::string region) {
  const std::lock_guard guard(mutex_);
  access_.region = std::move(region);
  access_.more_regions.clear();
}

void S3World::accept_region(std::string region) {
  const std::lock_guard guard(mutex_);
  access_.more_regions.insert(std::move(region));
}

void S3World::set_clock_offset(std::chrono::seconds offset) {
  const std::lock_guard guard(mutex_);
  access_.clock_offset = offset;
}

S3Exchange::S3Exchange(S3World& world, TcpPeer& peer, HttpReader& reader, S3Call the_call)
    : call(std::move(the_call)),
      world_(world),
      peer_(peer),
      reader_(reader),
      id_(fmt::format("TEST{}", world.new_request())) {
  last = call.http.wants_close();
}

void S3Exchange::read_body() { reader_.body(call.http); }

std::optional<S3Reply> S3Exchange::refusal() {
  read_body();
  return test::refusal(call, world_.access());
}

S3Reply S3Exchange::carry_out() {
  if (auto reply = refusal()) return *reply;
  return apply();
}

S3Reply S3Exchange::dressed(S3Reply reply) const {
  const auto now = std::chrono::system_clock::now() + world_.access().clock_offset;
  reply.headers.try_emplace("date", http_date(now));
  reply.headers.try_emplace("server", "ScriptedS3");
  reply.headers.try_emplace("x-amz-request-id", id_);
  return reply;
}

std::string S3Exchange::text(const S3Reply& reply) const {
  return reply_text(dressed(reply), call.http.method);
}

}  // namespace pgstow::test
