#include "store/s3_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "store/sigv4.h"

namespace pgstow {
namespace {

bool at_aws(const S3Settings& settings) { return settings.endpoint.empty(); }

std::string aws_host(const std::string& region) {
  const bool china = region.starts_with("cn-");
  return fmt::format("s3.{}.amazonaws.com{}", region, china ? ".cn" : "");
}

bool by_virtual_host(const S3Settings& settings) {
  if (settings.addressing != S3Addressing::kAuto)
    return settings.addressing == S3Addressing::kVirtual;
  // The certificate of *.s3.REGION.amazonaws.com holds for one label only.
  return at_aws(settings) && settings.bucket.find('.') == std::string::npos;
}

bool is_host(std::string_view text) {
  const bool brackets = text.starts_with('[');
  const std::size_t end = brackets ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  const std::string_view port = text.substr(end);
  constexpr std::string_view kHost =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:";
  if (end == 0 || text.substr(0, end).find_first_not_of(kHost) != std::string_view::npos) {
    return false;
  }
  if (port.empty()) return true;
  const auto number = parse_int(port.substr(1));
  return port.front() == ':' && number && *number > 0 && *number < 65536;
}

}  // namespace

S3Address s3_address(const S3Settings& settings, const std::string& region, std::string_view key) {
  S3Address address{.scheme = "https", .host = aws_host(region), .path = "/"};
  if (!at_aws(settings)) {
    const std::size_t host = settings.endpoint.find("://") + 3;
    address.scheme = settings.endpoint.substr(0, host - 3);
    address.host = settings.endpoint.substr(host);
  }
  if (by_virtual_host(settings)) {
    address.host = settings.bucket + "." + address.host;
  } else {
    address.path += uri_encode(settings.bucket);
    if (!key.empty()) address.path += '/';
  }
  address.path += uri_encode(key, true);
  return address;
}

std::string checked_endpoint(std::string_view endpoint) {
  const std::size_t at = endpoint.find("://");
  const std::string scheme = at == std::string_view::npos ? "" : lower(endpoint.substr(0, at));
  std::string_view host = scheme.empty() ? endpoint : endpoint.substr(at + 3);
  while (host.ends_with('/')) host.remove_suffix(1);
  if ((scheme != "http" && scheme != "https") || !is_host(host)) {
    // With an '@' there may be a password in it.
    const bool shown = endpoint.find('@') == std::string_view::npos;
    throw ConfigError(shown ? fmt::format("\"{}\" is no endpoint", printable(endpoint))
                            : std::string("an endpoint has no user and no password in it"),
                      "it has to look like https://s3.example.org or http://127.0.0.1:9000");
  }
  const std::string_view own_port = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(own_port)) host.remove_suffix(own_port.size());
  return scheme + "://" + std::string(host);
}

void check_bucket_name(std::string_view bucket) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';  // capitals and '_' in old buckets, and elsewhere
  };
  const bool edges = !bucket.empty() && bucket.front() != '.' && bucket.back() != '.';
  if (bucket.size() >= 3 && bucket.size() <= 255 && edges && std::ranges::all_of(bucket, good) &&
      bucket.find("..") == std::string_view::npos) {
    return;
  }
  throw ConfigError(fmt::format("\"{}\" is no bucket's name", printable(bucket)),
                    "3 letters, digits, '.' and '-' at least; what follows a '/' is the prefix");
}

}  // namespace pgstow
