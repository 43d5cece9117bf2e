// A small HTTP/1.1 server for whoever watches the service (RFC 9112).
//
// One thread serves all. Whatever a client does, it holds at most one of a bounded number of
// connections, a few kilobytes and some seconds: where connections run short, the one that was
// silent longest has to go.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/log.h"
#include "daemon/http_config.h"
#include "daemon/standing.h"

namespace pgstow {

class HttpServer {
 public:
  // Listens at settings.listen, which is set. Throws Error when it can't, as when the port is
  // taken: a service is none the worse for it, and warns. `standing` is called by the server's
  // thread, at any time until the destructor has returned, and should be quick; what it throws is
  // answered with 500 and logged. The log is lent.
  HttpServer(HttpSettings settings, std::function<Standing()> standing, const Log& log);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Ends at once, whoever is connected.
  ~HttpServer();

  std::uint16_t port() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace pgstow
