// What a connection may leave to the next exchange.
#include "store/http_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <barrier>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "harness/scripted_http.h"

namespace pgstow::test {
namespace {

using namespace std::chrono_literals;

std::string body_of_get(HttpClient& client, const std::string& url) {
  HttpRequest request;
  request.method = "GET";
  request.url = url;
  return client.send(request, {}).body;
}

TEST(HttpClient, UsesAConnectionAgain) {
  HttpClient client({});
  ScriptedHttp http({.status = 200, .headers = {}, .body = "usual"});
  EXPECT_EQ(body_of_get(client, http.url() + "/1"), "usual");
  EXPECT_EQ(body_of_get(client, http.url() + "/2"), "usual");
  EXPECT_EQ(http.accepted(), 1);
}

TEST(HttpClient, KeepsOneConnectionWhereItRests) {
  constexpr int kAtOnce = 4;
  HttpClient client({});
  ScriptedHttp http;
  const auto get_at_once = [&] {
    std::barrier all_there(kAtOnce);
    for (int i = 0; i < kAtOnce; ++i) {
      http.then_play([&](TcpPeer& peer, const HttpCall&) {
        all_there.arrive_and_wait();
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nusual");
      });
    }
    std::vector<std::jthread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&] { EXPECT_EQ(body_of_get(client, http.url()), "usual"); });
    }
  };
  get_at_once();
  EXPECT_EQ(http.accepted(), kAtOnce);
  get_at_once();
  EXPECT_EQ(http.accepted(), kAtOnce + kAtOnce - 1);
}

TEST(HttpClient, AReplySentTwiceIsNotTakenForTheNextOne) {
  HttpClient client({});
  ScriptedHttp http({.status = 200, .headers = {}, .body = "second"});
  std::promise<void> sent_twice;
  http.then_play([&](TcpPeer& peer, const HttpCall&) {
    const std::string reply = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst";
    peer.send(reply);
    peer.pause(50ms);  // in one piece curl would see that there is too much
    peer.send(reply);
    sent_twice.set_value();
  });
  EXPECT_EQ(body_of_get(client, http.url() + "/1"), "first");
  sent_twice.get_future().wait();
  EXPECT_EQ(body_of_get(client, http.url() + "/2"), "second");
}

// Too late to lie there unread: it comes when the next request is sent.
TEST(HttpClient, AReplySentTwiceAndLateIsNotTakenForTheNextOne) {
  HttpClient client({});
  const S3Reply first{.status = 200, .headers = {{"x-amz-request-id", "1"}}, .body = "first"};
  ScriptedHttp http({.status = 200, .headers = {{"x-amz-request-id", "3"}}, .body = "third"});
  http.then(first).then(first);
  EXPECT_EQ(body_of_get(client, http.url() + "/1"), "first");
  EXPECT_THROW(body_of_get(client, http.url() + "/2"), Transient);
  EXPECT_EQ(body_of_get(client, http.url() + "/2"), "third");
  EXPECT_EQ(http.accepted(), 2);
}

// Some servers have one id for all. What is the same in all else may be refused once.
TEST(HttpClient, AnIdThatAllRepliesHaveTellsNothing) {
  HttpClient client({});
  const S3Reply usual{.status = 204, .headers = {{"x-amz-request-id", "1"}}, .body = ""};
  ScriptedHttp http(usual);
  EXPECT_EQ(body_of_get(client, http.url()), "");
  EXPECT_THROW(body_of_get(client, http.url()), Transient);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(body_of_get(client, http.url()), "");
  EXPECT_EQ(http.accepted(), 2);
}

// Nor one for all of a connection.
TEST(HttpClient, AnIdThatDiffersByConnectionOnlyTellsNothing) {
  HttpClient client({});
  const auto with = [](const char* id, const char* tag) {
    return S3Reply{
        .status = 200, .headers = {{"x-amz-request-id", id}, {"etag", tag}}, .body = tag};
  };
  ScriptedHttp http(with("1", "b"));
  http.then(with("1", "a"));
  for (const char* tag : {"a", "b", "b", "b"}) EXPECT_EQ(body_of_get(client, http.url()), tag);
  EXPECT_EQ(http.accepted(), 1);
}

TEST(HttpClient, AnotherStatusIsNoRepetition) {
  HttpClient client({});
  const std::map<std::string, std::string> same = {{"x-amz-request-id", "1"}};
  ScriptedHttp http({.status = 404, .headers = same, .body = ""});
  http.then({.status = 204, .headers = same, .body = ""});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(body_of_get(client, http.url()), "");
  EXPECT_EQ(http.accepted(), 1);
}

// All that rest: on another of them nothing would be learnt.
TEST(HttpClient, AfterARepetitionTheNextConnectionIsNew) {
  constexpr int kAtOnce = 2;
  HttpClient client({});
  ScriptedHttp http;
  std::mutex mutex;
  std::map<const TcpPeer*, std::size_t> ids;
  std::barrier all_there(kAtOnce);
  const auto reply = [&](TcpPeer& peer) {
    const std::lock_guard lock(mutex);
    const std::size_t id = ids.emplace(&peer, ids.size()).first->second;
    peer.send(fmt::format("HTTP/1.1 204 No Content\r\nx-amz-request-id: {}\r\n\r\n", id));
  };
  for (int i = 0; i < kAtOnce; ++i) {
    http.then_play([&](TcpPeer& peer, const HttpCall&) {
      all_there.arrive_and_wait();
      reply(peer);
    });
  }
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&] { EXPECT_EQ(body_of_get(client, http.url()), ""); });
    }
  }
  for (int i = 0; i < 2; ++i) http.then_play([&](TcpPeer& peer, const HttpCall&) { reply(peer); });
  EXPECT_THROW(body_of_get(client, http.url()), Transient);
  EXPECT_EQ(http.accepted(), kAtOnce);
  EXPECT_EQ(body_of_get(client, http.url()), "");
  EXPECT_EQ(http.accepted(), kAtOnce + 1);
}

TEST(HttpClient, AnotherReplyWithTheSameIdIsNoRepetition) {
  HttpClient client({});
  ScriptedHttp http;
  for (const char* tag : {"a", "b", "c"}) {
    http.then({.status = 200, .headers = {{"x-amz-request-id", "1"}, {"etag", tag}}, .body = tag});
  }
  for (const char* tag : {"a", "b", "c"}) EXPECT_EQ(body_of_get(client, http.url()), tag);
  EXPECT_EQ(http.accepted(), 1);
}

}  // namespace
}  // namespace pgstow::test
