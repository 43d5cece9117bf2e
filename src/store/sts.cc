#include "store/sts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "store/aws_xml.h"
#include "store/sigv4.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr int kAttempts = 3;
constexpr std::size_t kMaxAnswer = std::size_t{256} * 1024;

// A URL's parts as a signature has them: without the port that goes without saying.
struct Target {
  std::string host;
  std::string path;
};

Target target_of(std::string_view url) {
  const std::size_t start = url.find("://") + 3;
  const std::size_t end = std::min(url.find('/', start), url.size());
  std::string_view host = url.substr(start, end - start);
  const std::string_view port = lower(url).starts_with("https:") ? ":443" : ":80";
  if (host.ends_with(port)) host.remove_suffix(port.size());
  return {.host = std::string(host),
          .path = end == url.size() ? "/" : std::string(url.substr(end))};
}

QueryParameters parameters(const std::string& action, const Role& role) {
  QueryParameters out{
      {"Action", action},
      {"Version", "2011-06-15"},
      {"RoleArn", role.arn},
      {"RoleSessionName", role.session_name.empty() ? "pgstow" : role.session_name}};
  if (!role.external_id.empty()) out.emplace_back("ExternalId", role.external_id);
  if (role.duration) out.emplace_back("DurationSeconds", std::to_string(role.duration->count()));
  return out;
}

// The code in an error's XML, if it looks like one.
std::string code_of(const HttpReply& reply, std::string_view where) {
  std::string code;
  try {
    const XmlElement root = parse_xml(reply.body, where, kMaxAnswer);
    const XmlElement* error = root.child("Error");
    code = (error == nullptr ? root : *error).text_of("Code");
  } catch (const Error&) {  // of a proxy, say
    return {};
  }
  const auto odd = [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.');
  };
  return code.size() > 64 || std::ranges::any_of(code, odd) ? "" : code;
}

std::string hint_for(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kHints{
      {{"AccessDenied", "the role's trust policy has to let the caller assume it"},
       {"ExpiredToken", "keys or token for STS have expired: have them written anew"},
       {"ExpiredTokenException", "the token has expired: see who writes its file"},
       {"InvalidIdentityToken", "IAM has to know the token's issuer and audience"},
       {"InvalidClientTokenId", "STS does not know the access key id"},
       {"RequestTimeTooSkewed", "is this host's clock right?"},
       {"SignatureDoesNotMatch", "is the secret key right, and this host's clock?"},
       {"ValidationError", "see role_arn, role_session_name and duration_seconds"}}};
  for (const auto& [known, hint] : kHints) {
    if (code == known) return std::string(hint);
  }
  return {};
}

bool may_pass(int status, std::string_view code) {
  return status == 429 || status >= 500 || code.starts_with("Throttling") ||
         code == "IDPCommunicationError" || code == "RequestLimitExceeded";
}

[[noreturn]] void fail(const HttpReply& reply, const std::string& where) {
  const std::string code = code_of(reply, where);
  const std::string text = code.empty() ? fmt::format("{}: status {}", where, reply.status)
                                        : fmt::format("{}: {}", where, code);
  if (may_pass(reply.status, code)) throw Transient(text);
  if (code == "AccessDenied") throw NotAllowed(text, hint_for(code));
  throw Error(text, hint_for(code));
}

AwsKeys keys_in(const HttpReply& reply, const std::string& action, const std::string& where) {
  const XmlElement root = parse_xml(reply.body, where, kMaxAnswer);
  const XmlElement* result = root.child(action + "Result");
  const XmlElement* found = result == nullptr ? nullptr : result->child("Credentials");
  if (found == nullptr) throw Error(where + ": no keys in the answer");
  AwsKeys keys{.access_key_id = found->text_of("AccessKeyId"),
               .secret_access_key = found->text_of("SecretAccessKey"),
               .session_token = found->text_of("SessionToken"),
               .expires = parse_rfc3339(found->text_of("Expiration"))};
  if (keys.session_token.empty() || !keys.expires) {
    throw Error(where + ": keys without a token or an end in the answer");
  }
  check_keys(keys, where);
  return keys;
}

// `by` signs the request if there is one.
AwsKeys ask(const std::string& action, const QueryParameters& parameters, const AwsKeys* by,
            const StsPlace& place, const KeyTools& tools, const std::string& arn) {
  const std::string body = query_string(parameters);
  const Target target = target_of(place.url);
  const std::string where = fmt::format("{}: assuming {}", target.host, printable(arn));
  HttpRequest request{
      .method = "POST",
      .url = place.url,
      .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
      .body = body};
  if (by != nullptr) {
    check_keys(*by, where);
    sign("POST", target.host, target.path, {}, request.headers, sha256_hex(body), *by,
         {.region = place.region, .service = "sts", .time = tools.context.clock.now()});
  }
  const HttpReply reply = send_patiently(tools.send, request, kAttempts, tools.context);
  if (reply.status != 200) fail(reply, where);
  return keys_in(reply, action, where);
}

}  // namespace

StsPlace sts_place(const AwsCredentialOptions& options, const Lookup& environment,
                   const AwsFiles& files) {
  constexpr const char* kSigningRegion = "us-east-1";  // of the global endpoint
  const auto region = aws_region(options, environment, files);
  const auto endpoint = aws_endpoint("sts", options, environment, files);
  if (endpoint) return {.url = *endpoint, .region = region.value_or(kSigningRegion)};
  if (!region) return {.url = "https://sts.amazonaws.com", .region = kSigningRegion};
  const char* domain = region->starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return {.url = fmt::format("https://sts.{}.{}", *region, domain), .region = *region};
}

AwsKeys assume_role(const Role& role, const AwsKeys& by, const StsPlace& place,
                    const KeyTools& tools) {
  const std::string action = "AssumeRole";
  return ask(action, parameters(action, role), &by, place, tools, role.arn);
}

AwsKeys assume_role_with_token(const Role& role, std::string_view token, const StsPlace& place,
                               const KeyTools& tools) {
  const std::string action = "AssumeRoleWithWebIdentity";
  QueryParameters all = parameters(action, role);
  all.emplace_back("WebIdentityToken", token);
  return ask(action, all, nullptr, place, tools, role.arn);
}

}  // namespace pgstow
