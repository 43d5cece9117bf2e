// HTTP/1.1 as a test server speaks it: requests read from a connection, replies as bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "harness/s3_server.h"
#include "harness/tcp_server.h"

namespace pgstow::test {

struct HttpCall {
  std::string method;
  std::string path;                            // percent-encoded
  std::string query;                           // likewise, without the '?'
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const;  // empty when it is not there
  std::uint64_t length() const;                       // of the body, as announced
  bool wants_close() const;
};

// Reads the requests of one connection, one after another: first the head, then the body.
class HttpReader {
 public:
  explicit HttpReader(TcpPeer& peer) : peer_(peer) {}

  // Nothing when the client closed the connection between two requests. Throws Error when it is no
  // HTTP, or chunked.
  std::optional<HttpCall> head();
  // Reads the body into the call, or only its first bytes. A client that asked whether it should
  // send it is told so, unless `say_continue` is false.
  void body(HttpCall& call, std::uint64_t at_most = UINT64_MAX, bool say_continue = true);

 private:
  std::size_t fill();

  TcpPeer& peer_;
  std::string ahead_;  // read, but not used
};

// "Sat, 21 Nov 2026 10:00:00 GMT".
std::string http_date(std::chrono::system_clock::time_point time);

// The reply's bytes, with Content-Length unless it is there or has no place (1xx, 204, 304). The
// body of a reply to HEAD is only counted.
std::string reply_text(const S3Reply& reply, std::string_view method,
                       std::string_view version = "HTTP/1.1");
// Of that only the head, with its empty line.
std::string reply_head(const S3Reply& reply, std::string_view version = "HTTP/1.1");

}  // namespace pgstow::test
