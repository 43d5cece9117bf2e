#include "daemon/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <exception>
#include <list>
#include <thread>
#include <utility>

#include "base/error.h"
#include "daemon/http_reply.h"

namespace pgstow {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMostConnections = 64;
constexpr std::uint32_t kMostHeader = 8192;
constexpr std::size_t kMostBuffer = 16384;
constexpr std::size_t kMostDrained = 4U << 20;
constexpr std::chrono::seconds kRequestTime{30};  // until it is whole, the wait for it included
constexpr std::chrono::seconds kReplyTime{10};
constexpr std::chrono::seconds kDrainTime{2};
constexpr std::chrono::milliseconds kAcceptPause{100};

// Errors as values.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// IMF-fixdate (RFC 9110, 5.6.7).
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), length};
}

// What to say about a request that can't be read; 0: nothing, the client is gone or too slow.
unsigned status_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit || error == http::error::unexpected_body) return 413;
  if (error == http::error::bad_version) return 505;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  const bool is_http = error.category() == make_error_code(http::error::bad_method).category();
  return is_http ? 400 : 0;
}

std::string one_value(const http::fields& fields, http::field name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : std::string(found->value());
}

tcp::acceptor listen_at(asio::io_context& io, const HttpAddress& address) {
  tcp::acceptor acceptor(io);
  tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error == asio::error::address_family_not_supported && address.host == "::") {
    endpoint.address(asio::ip::address_v4::any());  // a host without IPv6
    acceptor.open(endpoint.protocol(), error);
  }
  const auto then = [&](auto step) {
    if (!error) step();
  };
  // Asio's sockets would be inherited by the program that takes this one's place after SIGHUP.
  then([&] {
    if (::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC) != 0) {
      error.assign(errno, boost::system::system_category());
    }
  });
  then([&] { acceptor.set_option(tcp::acceptor::reuse_address(true), error); });
  then([&] {
    if (endpoint.address() == asio::ip::address_v6::any()) {
      acceptor.set_option(asio::ip::v6_only(false), error);
    }
  });
  then([&] { acceptor.bind(endpoint, error); });
  then([&] { acceptor.listen(asio::socket_base::max_listen_connections, error); });
  then([&] { acceptor.native_non_blocking(true, error); });
  if (!error) return acceptor;
  throw Error(fmt::format("http server: {}: {}", address.text(), error.message()),
              "BACKUP_HTTP_LISTEN names another address; off: there is no server");
}

struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}

  beast::tcp_stream stream;
  beast::flat_buffer buffer{kMostBuffer};
};

}  // namespace

class HttpServer::Loop {
 public:
  Loop(HttpSettings settings, std::function<Standing()> standing, const Log& log)
      : settings_(std::move(settings)),
        standing_(std::move(standing)),
        log_(log),
        acceptor_(listen_at(io_, *settings_.listen)),
        port_(acceptor_.local_endpoint().port()) {
    asio::co_spawn(io_, accept_all(), asio::detached);
    thread_ = std::jthread([this] { io_.run(); });
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { io_.stop(); }

  std::uint16_t port() const { return port_; }

 private:
  using Held = std::shared_ptr<Connection>;

  asio::awaitable<void> accept_all();
  void begin(int fd);
  asio::awaitable<void> serve(Held connection);
  asio::awaitable<bool> serve_one(Connection& connection);
  asio::awaitable<bool> write(Connection& connection, const HttpReply& reply, unsigned version,
                              bool is_head, bool keep_alive);
  asio::awaitable<void> drain(Connection& connection);
  HttpReply reply(const http::request<http::empty_body>& request) const;

  const HttpSettings settings_;
  const std::function<Standing()> standing_;
  const Log& log_;
  asio::io_context io_{1};  // destroyed with all that waits in it, after all that needs it
  tcp::acceptor acceptor_;
  const std::uint16_t port_;
  std::list<Held> connections_;  // who was silent longest first; only the thread's
  std::jthread thread_;
};

// By accept4(): a connection that Asio accepted would for a moment be inherited.
asio::awaitable<void> HttpServer::Loop::accept_all() {
  asio::steady_timer pause(io_);
  for (;;) {
    const auto [error] = co_await acceptor_.async_wait(tcp::acceptor::wait_read, kAwait);
    if (error) co_return;
    const int fd =
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      begin(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      pause.expires_after(kAcceptPause);  // whoever waits still does: no busy loop
      co_await pause.async_wait(kAwait);
    }
  }
}

void HttpServer::Loop::begin(int fd) {
  tcp::socket socket(io_);
  error_code error;
  socket.assign(acceptor_.local_endpoint().protocol(), fd, error);
  if (error) {
    ::close(fd);
    return;
  }
  if (connections_.size() >= kMostConnections) {
    connections_.front()->stream.close();  // its wait ends with an error
    connections_.pop_front();
  }
  const Held connection =
      connections_.emplace_back(std::make_shared<Connection>(std::move(socket)));
  asio::co_spawn(io_, serve(connection), [this, connection](const std::exception_ptr&) {
    connections_.remove(connection);
  });
}

asio::awaitable<void> HttpServer::Loop::serve(Held connection) {
  while (co_await serve_one(*connection)) {
    const auto at = std::find(connections_.begin(), connections_.end(), connection);
    if (at == connections_.end()) co_return;  // it had to go
    connections_.splice(connections_.end(), connections_, at);
  }
  co_await drain(*connection);
}

// Whether the connection goes on.
asio::awaitable<bool> HttpServer::Loop::serve_one(Connection& connection) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMostHeader);
  parser.body_limit(0);
  connection.stream.expires_after(kRequestTime);
  const auto [error, bytes] =
      co_await http::async_read(connection.stream, connection.buffer, parser, kAwait);
  if (error) {
    const unsigned status = status_of(error);
    if (status == 0) co_return false;
    const HttpReply bad{.status = status, .body = "not understood\n"};
    co_await write(connection, bad, 11, false, false);
    co_return false;
  }
  const http::request<http::empty_body>& request = parser.get();
  const bool is_head = request.method() == http::verb::head;
  const HttpReply answer = reply(request);
  co_return co_await write(connection, answer, request.version(), is_head, request.keep_alive());
}

HttpReply HttpServer::Loop::reply(const http::request<http::empty_body>& request) const {
  const std::size_t hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    return {.status = 400, .body = "one Host header is needed\n"};
  }
  try {
    return reply_to({.method = std::string(request.method_string()),
                     .target = std::string(request.target()),
                     .host = one_value(request, http::field::host),
                     .authorization = one_value(request, http::field::authorization)},
                    settings_, standing_);
  } catch (const std::exception& e) {
    log_.warning("the http server could not answer", {{"cause", e.what()}});
    return {.status = 500, .body = "the service can't tell\n"};
  }
}

asio::awaitable<bool> HttpServer::Loop::write(Connection& connection, const HttpReply& reply,
                                              unsigned version, bool is_head, bool keep_alive) {
  http::response<http::string_body> response(http::int_to_status(reply.status), version);
  response.set(http::field::date, http_date());
  response.set(http::field::content_type, reply.type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  response.content_length(reply.body.size());
  response.keep_alive(keep_alive);
  if (!is_head) response.body() = reply.body;
  connection.stream.expires_after(kReplyTime);
  const auto [error, bytes] = co_await http::async_write(connection.stream, response, kAwait);
  co_return !error && keep_alive;
}

// What the client still sends is read, for a while: closed with bytes unread, the system would send
// a reset, and the client might lose the answer.
asio::awaitable<void> HttpServer::Loop::drain(Connection& connection) {
  error_code ignored;  // gone already
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  connection.stream.expires_after(kDrainTime);
  std::array<char, 16384> bytes{};
  for (std::size_t drained = 0; drained < kMostDrained;) {
    const auto [error, n] = co_await connection.stream.async_read_some(asio::buffer(bytes), kAwait);
    if (error) co_return;
    drained += n;
  }
}

HttpServer::HttpServer(HttpSettings settings, std::function<Standing()> standing, const Log& log)
    : loop_(std::make_unique<Loop>(std::move(settings), std::move(standing), log)) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return loop_->port(); }

}  // namespace pgstow
