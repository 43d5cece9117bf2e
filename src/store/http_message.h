// HTTP requests and replies as values, and the function that exchanges them.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"

namespace pgstow {

struct HttpHeader {
  std::string name;
  std::string value;

  bool operator==(const HttpHeader&) const = default;
};

struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<HttpHeader> headers;
  std::string_view body;  // lent for the call
  std::size_t most_reply_bytes = std::size_t{16} << 20;
  std::chrono::seconds patience{0};  // for a reply that is long in coming; 0: the usual stall
  std::chrono::seconds connect_timeout{0};  // 0: the client's
};

struct HttpReply {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;

  // Names are compared without regard to case (RFC 9110); of several, the first.
  std::optional<std::string> header(std::string_view name) const;
};

// Sends a request and returns the reply, whatever its status. Throws Transient when there is none.
// May be called from several threads.
using HttpSend = std::function<HttpReply(const HttpRequest&)>;

// The same, tried again up to `attempts` times in all, with a pause that grows, while the network
// fails or the server says that it can't answer now (429 and 5xx). Returns or throws the last
// outcome.
HttpReply send_patiently(const HttpSend& send, const HttpRequest& request, int attempts,
                         const Context& context);

}  // namespace pgstow
