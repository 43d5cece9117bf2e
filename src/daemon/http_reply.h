// What the service answers to whom: /metrics, /healthz and /readyz, as HTTP (RFC 9110) without the
// wire.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http_config.h"
#include "daemon/standing.h"

namespace pgstow {

// Of a request what the answer hangs on.
struct HttpQuery {
  std::string method = {};
  std::string target = {};
  std::string host = {};  // the header's value; empty when there is none
  std::string authorization = {};
};

struct HttpReply {
  unsigned status = 200;
  std::string body = {};
  std::string type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};  // others than Content-...
};

// Health paths are for everybody, and say nothing that is a name or a secret. /metrics asks for the
// token where there is one. On a loopback address a Host header with a name other than localhost is
// refused: a page in a browser on this host may have rebound its own name to 127.0.0.1. Throws what
// `standing` throws.
HttpReply reply_to(const HttpQuery& query, const HttpSettings& settings,
                   const std::function<Standing()>& standing);

}  // namespace pgstow
