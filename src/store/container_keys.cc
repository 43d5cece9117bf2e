#include "store/container_keys.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/small_file.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kEcsAgent = "http://169.254.170.2";
constexpr std::size_t kMaxToken = 65536;
constexpr int kAttempts = 3;
constexpr std::string_view kName = "container credentials";

// The host of "scheme://host:port/..."; nothing for what is not plainly that: an odd character may
// mean one host to us and another to who connects.
std::optional<std::string> plain_host(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const bool bracketed = authority.starts_with('[');
  const std::size_t end =
      bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view host = bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  std::string_view port = authority.substr(end + (bracketed ? 1 : 0));
  constexpr std::string_view kHost = "abcdefghijklmnopqrstuvwxyz0123456789.-:";
  const std::string name = lower(host);
  if (name.empty() || name.find_first_not_of(kHost) != std::string::npos) return std::nullopt;
  if (!port.empty() && (port[0] != ':' || !parse_int(port.substr(1)))) return std::nullopt;
  return name;
}

bool is_this_machine(const std::string& host) {
  std::array<unsigned char, 16> address{};
  if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1) return address[0] == 127;
  std::array<unsigned char, 16> loopback{};
  loopback[15] = 1;
  if (::inet_pton(AF_INET6, host.c_str(), address.data()) == 1) return address == loopback;
  return host == "localhost";
}

bool is_agent(const std::string& host) {
  return host == "169.254.170.2" || host == "169.254.170.23" || host == "fd00:ec2::23";
}

// The agent's URL; "" when no variable names one.
std::string agent_url(const Lookup& environment) {
  const std::string relative = variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) {
    if (relative.front() != '/') {
      throw ConfigError("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: it has to begin with /");
    }
    return std::string(kEcsAgent) + relative;
  }
  std::string full = variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (full.empty() || may_ask_for_keys(full)) return full;
  throw ConfigError(
      "AWS_CONTAINER_CREDENTIALS_FULL_URI: keys are asked for without https only on this machine "
      "and at 169.254.170.2, 169.254.170.23 and [fd00:ec2::23]");
}

std::string agent_token(const Lookup& environment) {
  const std::string file = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  std::string token = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!file.empty()) {
    const auto content = read_small_file(file, kMaxToken);
    if (!content) {
      throw ConfigError(
          fmt::format("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {}: no such file", file));
    }
    token = trim(*content);
  }
  const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  if (std::ranges::any_of(token, control)) {
    throw ConfigError("the authorization token of the container has a line end in it");
  }
  return token;
}

AwsKeys ask_agent(const std::string& url, const KeyTools& tools) {
  HttpRequest request{.method = "GET", .url = url, .headers = {}, .body = {}};
  request.headers.push_back({"Accept", "application/json"});
  if (std::string token = agent_token(tools.environment); !token.empty()) {
    request.headers.push_back({"Authorization", std::move(token)});
  }
  const HttpSend& send = url.starts_with("https:") ? tools.send : tools.send_direct;
  const HttpReply reply = send_patiently(send, request, kAttempts, tools.context);
  if (reply.status == 200) return parse_json_keys(reply.body, "Token", kName);
  const std::string text =
      fmt::format("{}: the agent answered with status {}", kName, reply.status);
  if (reply.status == 429 || reply.status >= 500) throw Transient(text);
  throw Error(text, "see that the task or the service account has a role");
}

}  // namespace

bool may_ask_for_keys(std::string_view url) {
  const std::size_t at = url.find("://");
  if (at == std::string_view::npos) return false;
  const std::string scheme = lower(url.substr(0, at));
  const auto host = plain_host(url.substr(at + 3));
  if (!host || (scheme != "https" && scheme != "http")) return false;
  return scheme == "https" || is_this_machine(*host) || is_agent(*host);
}

KeySource container_keys(const KeyTools& tools) {
  KeySource source{.name = std::string(kName), .why_not = {}, .fetch = {}};
  const std::string url = agent_url(tools.environment);
  if (url.empty()) {
    source.why_not = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set";
  } else {
    source.fetch = [url, tools] { return ask_agent(url, tools); };
  }
  return source;
}

}  // namespace pgstow
