// HTTP/1.1 over libcurl, with connections that are kept and waits that end.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/http_message.h"
#include "stream/throttle.h"

namespace pgstow {

struct HttpOptions {
  std::filesystem::path ca = {};            // PEM; empty: the system's
  std::string ca_setting = "BACKUP_S3_CA";  // that names the file, for hints
  bool proxy = true;                        // as http_proxy, https_proxy and no_proxy say
  std::chrono::seconds connect_timeout{10};
  // When less than this arrives or leaves for as long as the stall, the exchange has failed. An
  // exchange that moves may take as long as it takes.
  std::uint32_t least_bytes_per_second = 1024;
  std::chrono::seconds stall{60};
  std::uint64_t most_bytes_per_second = 0;  // of all exchanges together; 0: no limit
};

// No connection came about: there is no such name, or nobody answers there.
class NoConnection final : public Transient {
 public:
  using Transient::Transient;
};

// Thread-safe: each exchange has a connection for itself, and leaves it to the next one. Where it
// rests, one connection is kept.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();

  // Sends a request and returns the reply, whatever its status; redirects are replies. Throws
  // NoConnection or another Transient when the exchange failed, ConfigError for a URL that is none
  // and for a server whose certificate is not trusted, Cancelled within a second of a stop.
  HttpReply send(const HttpRequest& request, const std::stop_token& stop);

 private:
  struct Connection;
  class Lease;

  std::unique_ptr<Connection> take_idle();  // nothing when none is
  // Whether the reply is the one before, once more; learns what the server's ids tell.
  bool note_repetition(const Connection& connection, const HttpReply& reply);
  void drop_idle();

  const HttpOptions options_;
  Throttle sending_;
  Throttle receiving_;
  std::mutex mutex_;                    // guards what follows
  bool ids_tell_ = true;                // each reply's is another one
  std::optional<std::string> last_id_;  // on any connection
  std::size_t leased_ = 0;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace pgstow
