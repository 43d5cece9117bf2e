#include "store/instance_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::string_view kName = "instance metadata";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";
constexpr int kAttempts = 3;

std::string service_url(const Lookup& environment) {
  std::string url = variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  while (url.ends_with('/')) url.pop_back();
  if (!url.empty()) return url;
  const bool ipv6 =
      lower(variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")) == "ipv6";
  return ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

// One talk with the service.
class Service {
 public:
  explicit Service(const KeyTools& tools)
      : tools_(tools), url_(service_url(tools.environment)), token_(new_token()) {}

  std::string role() {
    const HttpReply reply = get(std::string(kRoles));
    const std::string role(trim(std::string_view(reply.body).substr(0, reply.body.find('\n'))));
    if (reply.status == 404 || (reply.status == 200 && role.empty())) {
      throw NotFound(fmt::format("{}: the instance has no role", kName));
    }
    expect_ok(reply);
    const auto odd = [](char c) { return c <= ' ' || c > '~' || c == '/' || c == '?' || c == '#'; };
    if (std::ranges::any_of(role, odd)) {
      throw Error(fmt::format("{}: the role's name is no name", kName));
    }
    return role;
  }

  AwsKeys keys(const std::string& role) {
    const HttpReply reply = get(std::string(kRoles) + role);
    expect_ok(reply);
    return parse_json_keys(reply.body, "Token", kName);
  }

 private:
  // Nothing but a token proves that a metadata service is there at all.
  std::string new_token() const {
    const HttpRequest request{.method = "PUT",
                              .url = url_ + "/latest/api/token",
                              .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}},
                              .body = {}};
    HttpReply reply;
    try {
      reply = tools_.send_direct(request);
    } catch (const Transient& e) {
      throw NotFound(fmt::format("{}: {}", kName, e.what()),
                     "in a container, the instance's metadata hop limit has to be 2");
    }
    if (reply.status == 429 || reply.status >= 500) expect_ok(reply);
    if (reply.status != 200) {
      throw NotFound(fmt::format("{}: no token, status {}", kName, reply.status));
    }
    const auto odd = [](char c) { return c <= ' ' || c > '~'; };
    if (reply.body.empty() || std::ranges::any_of(reply.body, odd)) {
      throw NotFound(fmt::format("{}: what answers is no metadata service", kName));
    }
    return reply.body;
  }

  HttpReply get(const std::string& path) const {
    return send_patiently(tools_.send_direct,
                          {.method = "GET",
                           .url = url_ + path,
                           .headers = {{"X-aws-ec2-metadata-token", token_}},
                           .body = {}},
                          kAttempts, tools_.context);
  }

  static void expect_ok(const HttpReply& reply) {
    if (reply.status == 200) return;
    const std::string text = fmt::format("{}: status {}", kName, reply.status);
    if (reply.status == 429 || reply.status >= 500) throw Transient(text);
    throw Error(text);
  }

  const KeyTools& tools_;
  const std::string url_;
  const std::string token_;
};

AwsKeys ask_instance(const KeyTools& tools) {
  Service service(tools);
  return service.keys(service.role());
}

}  // namespace

KeySource instance_keys(const KeyTools& tools) {
  KeySource source{.name = std::string(kName), .why_not = {}, .fetch = {}};
  if (lower(variable(tools.environment, "AWS_EC2_METADATA_DISABLED")) == "true") {
    source.why_not = "AWS_EC2_METADATA_DISABLED is true";
  } else {
    source.fetch = [tools] { return ask_instance(tools); };
  }
  return source;
}

}  // namespace pgstow
