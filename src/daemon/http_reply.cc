#include "daemon/http_reply.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "daemon/metrics.h"

namespace pgstow {
namespace {

// "name:port", "[v6]:port", either without the port.
std::string_view host_name(std::string_view header) {
  if (header.starts_with('[')) {
    const std::size_t end = header.find(']');
    return end == std::string_view::npos ? header : header.substr(1, end - 1);
  }
  return header.substr(0, header.find(':'));
}

// Who sends none is no browser.
bool is_rebound(std::string_view header) {
  const std::string name = lower(host_name(header));
  return !name.empty() && name != "localhost" && !name.ends_with(".localhost") &&
         !is_ip_address(name);
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int length = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                       reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  // OpenSSL counts the padding's zeros as bytes.
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

// What stands behind the scheme's name, whose case does not matter.
std::optional<std::string_view> after_scheme(std::string_view header, std::string_view scheme) {
  if (lower(header.substr(0, scheme.size())) != scheme) return std::nullopt;
  header.remove_prefix(scheme.size());
  if (!header.starts_with(' ')) return std::nullopt;
  return trim(header);
}

// Bearer (RFC 6750), or Basic (RFC 7617) with any user.
std::optional<std::string> token_in(std::string_view header) {
  if (const auto bearer = after_scheme(header, "bearer")) return std::string(*bearer);
  const auto basic = after_scheme(header, "basic");
  if (!basic) return std::nullopt;
  const auto pair = decode_base64(*basic);
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  return colon == std::string::npos ? std::nullopt : std::optional(pair->substr(colon + 1));
}

// In a time that tells nothing, not even the length.
bool is_same_secret(std::string_view one, std::string_view other) {
  const auto digest = [](std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> sum{};
    ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), sum.data());
    return sum;
  };
  const auto a = digest(one);
  const auto b = digest(other);
  return ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_allowed(const HttpQuery& query, const HttpSettings& settings) {
  if (settings.token.empty()) return true;
  const auto token = token_in(query.authorization);
  return token && is_same_secret(*token, settings.token);
}

HttpReply metrics(const HttpQuery& query, const HttpSettings& settings,
                  const std::function<Standing()>& standing) {
  if (!is_allowed(query, settings)) {
    return {.status = 401,
            .body = "the token is needed, as a bearer token or the password of any user\n",
            .headers = {{"WWW-Authenticate", "Bearer realm=\"pgstow\""},
                        {"WWW-Authenticate", "Basic realm=\"pgstow\", charset=\"UTF-8\""}}};
  }
  return {.body = metrics_text(standing()), .type = kMetricsType};
}

HttpReply readiness(const Standing& standing) {
  if (!standing.service_started || !standing.next_run) {
    return {.status = 503, .body = "no schedule runs\n"};
  }
  if (standing.stale()) {
    return {.status = 503,
            .body = standing.last_good ? "the newest good backup is too old\n"
                                       : "there is no good backup\n"};
  }
  return {.body = "ready\n"};
}

}  // namespace

HttpReply reply_to(const HttpQuery& query, const HttpSettings& settings,
                   const std::function<Standing()>& standing) {
  if (settings.listen && settings.listen->is_loopback() && is_rebound(query.host)) {
    return {.status = 403, .body = "not served under this name: use an address, or localhost\n"};
  }
  const std::string_view path = std::string_view(query.target).substr(0, query.target.find('?'));
  constexpr std::array<std::string_view, 3> kPaths{"/metrics", "/healthz", "/readyz"};
  if (std::ranges::find(kPaths, path) == kPaths.end()) {
    return {.status = 404, .body = "there are /metrics, /healthz and /readyz\n"};
  }
  if (query.method != "GET" && query.method != "HEAD") {
    return {.status = 405, .body = "only GET and HEAD\n", .headers = {{"Allow", "GET, HEAD"}}};
  }
  if (path == "/metrics") return metrics(query, settings, standing);
  if (path == "/readyz") return readiness(standing());
  if (!standing().moves) return {.status = 503, .body = "the service does not move\n"};
  return {.body = "ok\n"};
}

}  // namespace pgstow
