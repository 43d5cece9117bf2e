#include "daemon/http_config.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backup/config_stores.h"
#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kLeastToken = 16;

using Ip = std::array<unsigned char, 16>;

bool is_v4(const std::string& text, Ip& ip) {
  return ::inet_pton(AF_INET, text.c_str(), ip.data()) == 1;
}
bool is_v6(const std::string& text, Ip& ip) {
  return ::inet_pton(AF_INET6, text.c_str(), ip.data()) == 1;
}

// Names but localhost are left out: the address behind one may change, and its answer be late.
std::optional<std::string> host_of(std::string_view text) {
  if (text.empty() || text == "*") return "::";
  if (lower(text) == "localhost") return "127.0.0.1";
  if (text.starts_with('[') && text.ends_with(']')) {
    const std::string inner(text.substr(1, text.size() - 2));
    Ip ip{};
    return is_v6(inner, ip) ? std::optional(inner) : std::nullopt;
  }
  Ip ip{};
  return is_v4(std::string(text), ip) ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<HttpAddress> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto host = host_of(text.substr(0, colon));
  const auto port = parse_int(text.substr(colon + 1));
  if (!host || !port || *port < 1 || *port > 65535) return std::nullopt;
  return HttpAddress{.host = *host, .port = static_cast<std::uint16_t>(*port)};
}

std::string read_token(const Settings& settings) {
  const std::string token = settings.text("BACKUP_HTTP_TOKEN");
  if (token.empty()) return token;
  const bool visible = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (visible && token.size() >= kLeastToken) return token;
  throw ConfigError(
      fmt::format("BACKUP_HTTP_TOKEN ({}): {}", settings.origin("BACKUP_HTTP_TOKEN"),
                  visible ? fmt::format("shorter than {} characters", kLeastToken)
                          : "other characters than letters, digits and signs of ASCII"),
      "`openssl rand -hex 16` makes one");
}

}  // namespace

std::string HttpAddress::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return brackets ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool HttpAddress::is_loopback() const {
  Ip ip{};
  if (is_v4(host, ip)) return ip[0] == 127;
  Ip one{};
  one[15] = 1;
  return is_v6(host, ip) && ip == one;
}

bool is_ip_address(std::string_view text) {
  Ip ip{};
  return is_v4(std::string(text), ip) || is_v6(std::string(text), ip);
}

HttpSettings read_http_settings(const Settings& settings) {
  constexpr std::string_view kListen = "BACKUP_HTTP_LISTEN";
  const std::string text = settings.text(kListen);
  HttpSettings http{.token = read_token(settings)};
  if (lower(text) == "off") return http;
  http.listen = parse_address(text);
  if (!http.listen) {
    refuse(settings, kListen,
           "an IP address and a port, such as 127.0.0.1:9719 or [::1]:9719, :9719 for all "
           "addresses of this host; or off");
  }
  if (!http.listen->is_loopback() && http.token.empty()) {
    throw ConfigError(
        fmt::format("{}: {} ({}) can be reached by others, and there is no BACKUP_HTTP_TOKEN",
                    kListen, printable(text), settings.origin(kListen)),
        "set BACKUP_HTTP_TOKEN (`openssl rand -hex 16` makes one), or listen on 127.0.0.1:9719");
  }
  return http;
}

std::filesystem::path read_metrics_file(const Settings& settings) {
  const std::filesystem::path path = read_path(settings, "BACKUP_METRICS_FILE");
  if (path.empty() || (path.extension() == ".prom" && path.has_stem())) return path;
  refuse(settings, "BACKUP_METRICS_FILE", "a path that ends with .prom");
}

}  // namespace pgstow
