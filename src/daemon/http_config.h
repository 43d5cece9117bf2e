// Where the service may be watched: the settings of its HTTP server and of the metrics file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/settings.h"

namespace pgstow {

struct HttpAddress {
  std::string host = {};   // an IP address; "::" is every one of this host, IPv4's, too
  std::uint16_t port = 0;  // 0: any that is free

  // "127.0.0.1:9719", "[::1]:9719".
  std::string text() const;
  // Only this host can reach it.
  bool is_loopback() const;

  bool operator==(const HttpAddress&) const = default;
};

struct HttpSettings {
  std::optional<HttpAddress> listen = {};  // nothing: no server
  std::string token = {};                  // /metrics asks for it, unless it is empty
};

// An IPv4 or IPv6 address, without brackets.
bool is_ip_address(std::string_view text);

// Throws ConfigError for what is not allowed: also for an address that others can reach without a
// token, and for a token that could be guessed or not be sent.
HttpSettings read_http_settings(const Settings& settings);

// BACKUP_METRICS_FILE; empty when it is not set. Throws ConfigError when the collector would not
// read it, which wants ".prom" at its end.
std::filesystem::path read_metrics_file(const Settings& settings);

}  // namespace pgstow
