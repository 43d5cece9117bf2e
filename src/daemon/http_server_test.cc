#include "daemon/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "daemon/testing_standing.h"
#include "harness/program.h"
#include "harness/tcp_server.h"

namespace pgstow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kToken = "0123456789abcdef";
constexpr const char* kGet = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

// A client that says what it likes.
class Raw {
 public:
  explicit Raw(int port) : fd_(test::connect_to(port)) {}

  // Returns false when the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // The server has closed, and said nothing.
  bool is_closed() const {
    char byte = 0;
    return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }
  void finish_sending() const { ::shutdown(fd_.get(), SHUT_WR); }

  // What comes until the server closes; with "(reset)" at its end when that was not in order.
  std::string rest() const {
    std::string text;
    while (const auto more = some()) text += *more;
    return errno == ECONNRESET ? text + "(reset)" : text;
  }
  // What comes until that text is there.
  std::string until(std::string_view end) const {
    std::string text;
    while (text.find(end) == std::string::npos) {
      const auto more = some();
      if (!more) break;
      text += *more;
    }
    return text;
  }

 private:
  std::optional<std::string> some() const {
    std::array<char, 4096> bytes{};
    errno = 0;
    const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (n <= 0) return std::nullopt;
    return std::string(bytes.data(), static_cast<std::size_t>(n));
  }

  Fd fd_;
};

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++found;
  }
  return found;
}

class HttpServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<HttpServer> start(const std::string& host = "127.0.0.1",
                                    const std::string& token = "") {
    return std::make_unique<HttpServer>(
        HttpSettings{.listen = HttpAddress{.host = host, .port = 0}, .token = token},
        [this] {
          if (broken_) throw Error("no state");
          return testing_standing();
        },
        log_);
  }

  // Headers and body, as curl got them.
  static std::string curl(const HttpServer& server, const std::string& path,
                          std::vector<std::string> more = {}) {
    std::vector<std::string> argv{"curl", "-sSi", "--max-time", "20"};
    argv.insert(argv.end(), more.begin(), more.end());
    argv.push_back("http://127.0.0.1:" + std::to_string(server.port()) + path);
    return test::run_ok({.argv = argv});
  }

  std::atomic<bool> broken_ = false;
  SystemClock clock_;
  Log log_{clock_, LogFormat::kText, Level::kError};
};

TEST_F(HttpServerTest, AnswersCurl) {
  const auto server = start();
  const std::string metrics = curl(*server, "/metrics");
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\r\nDate: "));
  EXPECT_THAT(metrics, HasSubstr("\npgstow_up_to_date{database=\"shop\"} 1\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("Server:")));
  EXPECT_THAT(curl(*server, "/healthz"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\r\n\r\nok\n")));
  EXPECT_THAT(curl(*server, "/readyz", {"--http1.0"}),
              AllOf(StartsWith("HTTP/1.0 200"), HasSubstr("\r\n\r\nready\n")));
  EXPECT_THAT(curl(*server, "/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(curl(*server, "/metrics", {"-X", "DELETE"}),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("\r\nAllow: GET, HEAD\r\n")));
  EXPECT_THAT(curl(*server, "/metrics", {"-H", "Host: evil.example"}),
              AllOf(StartsWith("HTTP/1.1 403"), Not(HasSubstr("shop"))));
}

TEST_F(HttpServerTest, HeadIsGetWithoutItsBody) {
  const auto server = start();
  const std::string get = curl(*server, "/healthz");
  const std::string head = curl(*server, "/healthz", {"-I"});
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 3\r\n"));
  EXPECT_THAT(head, ::testing::EndsWith("\r\n\r\n"));
  EXPECT_EQ(split(head, '\n').size(), split(get, '\n').size() - 1);
}

TEST_F(HttpServerTest, OthersNeedTheTokenAsCurlSendsIt) {
  const auto server = start("::", kToken);
  EXPECT_THAT(curl(*server, "/metrics"),
              AllOf(StartsWith("HTTP/1.1 401"), HasSubstr("WWW-Authenticate: Bearer"),
                    HasSubstr("WWW-Authenticate: Basic"), Not(HasSubstr("shop"))));
  EXPECT_THAT(curl(*server, "/metrics", {"--oauth2-bearer", kToken}), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(curl(*server, "/metrics", {"-u", std::string("any:") + kToken}),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(curl(*server, "/metrics", {"-u", "any:wrong"}), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(curl(*server, "/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, OneConnectionServesManyRequests) {
  const auto server = start();
  const Raw client(server->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(kGet));
    EXPECT_THAT(client.until("ok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
  ASSERT_TRUE(client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(client.rest(), HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  const auto server = start();
  const Raw client(server->port());
  std::string all;
  for (int i = 0; i < 200; ++i) all += kGet;
  std::jthread sender([&] {
    client.send(all + "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" +
                kGet);
  });
  const std::string replies = client.rest();
  EXPECT_EQ(count(replies, "HTTP/1.1 200 OK\r\n"), 200U);
  EXPECT_EQ(count(replies, "HTTP/1.1 404 "), 1U);  // and nothing is answered after the close
}

TEST_F(HttpServerTest, GarbageIsRefusedAndTheNextClientServed) {
  const auto server = start();
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\x16\x03\x01\x02\x01\x01\xFC\x03\x03 a TLS hello\r\n\r\n", "HTTP/1.1 400"},
      {"GET /healthz\r\n\r\n", "HTTP/1.1 400"},
      {"GET /healthz HTTP/2.0\r\n\r\n", "HTTP/1.1 505"},
      {"GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},  // no Host
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400"},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400"},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", "HTTP/1.1 400"},
      {"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
       "HTTP/1.1 413"},
      {"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n",
       "HTTP/1.1 413"},
      {"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
       "HTTP/1.1 413"},
      {std::string(1000, '\0') + "\r\n\r\n", "HTTP/1.1 400"},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", "HTTP/1.1 431"},
  };
  for (const auto& [bytes, status] : cases) {
    const Raw client(server->port());
    client.send(bytes);
    client.finish_sending();
    EXPECT_THAT(client.rest(), StartsWith(status)) << bytes.substr(0, 80);
  }
  EXPECT_THAT(curl(*server, "/healthz"), StartsWith("HTTP/1.1 200"));
}

// The answer arrives although the client sends more than is read.
TEST_F(HttpServerTest, AMegabyteOfHeadersIsTooMuch) {
  const auto server = start();
  const Raw client(server->port());
  std::string all = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 1024; ++i) all += "X-Header: " + std::string(1014, 'x') + "\r\n";
  EXPECT_TRUE(client.send(all));
  client.finish_sending();
  const std::string answer = client.rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("(reset)")));
}

TEST_F(HttpServerTest, ClientsThatGoHalfwayAreForgotten) {
  const auto server = start();
  for (const char* half : {"", "G", "GET /healthz HTTP/1.1\r\nHost: loc"}) {
    const Raw client(server->port());
    client.send(half);
    client.finish_sending();
    EXPECT_EQ(client.rest(), "");
    const Raw rude(server->port());
    rude.send(half);
  }
  {
    const Raw reader(server->port());  // goes without reading
    for (int i = 0; i < 1000; ++i) reader.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  EXPECT_THAT(curl(*server, "/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, IdleAndSlowClientsKeepNobodyOut) {
  const auto server = start();
  std::vector<Raw> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(server->port());
    idle.back().send(i % 2 == 0 ? "GET /healthz HTT" : "");
  }
  EXPECT_THAT(curl(*server, "/metrics"), HasSubstr("pgstow_up_to_date"));
  // Who was silent longest had to go; who came last is still heard.
  EXPECT_TRUE(idle.front().is_closed());
  ASSERT_TRUE(idle.back().send(kGet));
  EXPECT_THAT(idle.back().until("ok\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, WhoAsksIsNotSilent) {
  const auto server = start();
  const Raw client(server->port());
  std::vector<Raw> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(server->port());
    if (i % 20 != 0) continue;
    const Raw last(server->port());  // its answer tells that those before it were accepted
    ASSERT_TRUE(last.send(kGet)) << i;
    EXPECT_THAT(last.until("ok\n"), StartsWith("HTTP/1.1 200")) << i;
    ASSERT_TRUE(client.send(kGet)) << i;
    EXPECT_THAT(client.until("ok\n"), StartsWith("HTTP/1.1 200")) << i;
  }
}

TEST_F(HttpServerTest, AFailureToTellIsAnswered) {
  broken_ = true;
  const auto server = start();
  EXPECT_THAT(curl(*server, "/metrics"),
              AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("no state"))));
  EXPECT_THAT(curl(*server, "/other"), StartsWith("HTTP/1.1 404"));
  broken_ = false;
  EXPECT_THAT(curl(*server, "/metrics"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, APortThatIsTakenIsSaid) {
  const auto first = start();
  const HttpSettings same{.listen = HttpAddress{.host = "127.0.0.1", .port = first->port()}};
  try {
    const HttpServer second(same, testing_standing, log_);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), "http server: 127.0.0.1:" + std::to_string(first->port()) +
                            ": Address already in use");
    EXPECT_THAT(e.hint(), HasSubstr("BACKUP_HTTP_LISTEN"));
  }
  const HttpSettings elsewhere{.listen = HttpAddress{.host = "192.0.2.7", .port = 1}};
  EXPECT_THROW(HttpServer(elsewhere, testing_standing, log_), Error);
}

TEST_F(HttpServerTest, EndsWhoeverIsConnectedAndFreesThePort) {
  auto server = start();
  const int port = server->port();
  const Raw half(port);
  half.send("GET /healthz HT");
  const Raw kept(port);
  kept.send(kGet);
  EXPECT_THAT(kept.until("ok\n"), StartsWith("HTTP/1.1 200"));
  server.reset();
  EXPECT_TRUE(half.is_closed());
  EXPECT_TRUE(kept.is_closed());
  const HttpSettings same{
      .listen = HttpAddress{.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port)}};
  const HttpServer again(same, testing_standing, log_);
  EXPECT_THAT(curl(again, "/healthz"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace pgstow
