#include "harness/s3_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::test {
namespace {

using SystemTime = std::chrono::system_clock::time_point;

constexpr std::chrono::minutes kMostSkew{15};
constexpr std::string_view kScheme = "AWS4-HMAC-SHA256 ";
constexpr const char* kTimeFormat = "%Y%m%dT%H%M%SZ";

// The parts of an Authorization header.
struct Claim {
  std::string access_key;
  std::string date;
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;
  std::string signature;
};

std::string field(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  return std::string(trim(text.substr(0, std::min(text.find(','), text.size()))));
}

std::optional<Claim> parse_claim(std::string_view authorization) {
  if (!authorization.starts_with(kScheme)) return std::nullopt;
  const std::string credential = field(authorization, "Credential=");
  const std::vector<std::string_view> scope = split(credential, '/');
  if (scope.size() != 5 || scope[4] != "aws4_request") return std::nullopt;
  Claim claim{.access_key = std::string(scope[0]),
              .date = std::string(scope[1]),
              .region = std::string(scope[2]),
              .service = std::string(scope[3]),
              .signed_headers = {},
              .signature = field(authorization, "Signature=")};
  const std::string names = field(authorization, "SignedHeaders=");
  for (const std::string_view name : split(names, ';')) claim.signed_headers.emplace_back(name);
  return claim;
}

std::optional<SystemTime> parse_compact_time(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), kTimeFormat, &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

Signable signable(const S3Call& call, const Claim& claim) {
  Signable out{.method = call.http.method,
               .path = call.http.path,
               .query = call.http.query,
               .headers = {},
               .payload_hash = call.http.header("x-amz-content-sha256"),
               .time = call.http.header("x-amz-date"),
               .region = claim.region,
               .service = claim.service};
  for (const std::string& name : claim.signed_headers) out.headers[name] = call.http.header(name);
  return out;
}

std::optional<S3Reply> wrong_scope(const Claim& claim, const AccessRules& rules,
                                   const std::string& time) {
  const bool right_region =
      claim.region == rules.region || rules.more_regions.contains(claim.region);
  if (right_region && claim.service == "s3" && claim.date == time.substr(0, 8)) {
    return std::nullopt;
  }
  return error_reply(
      400, "AuthorizationHeaderMalformed",
      fmt::format("the scope is wrong: {}/{}/{}", claim.date, claim.region, claim.service),
      fmt::format("<Region>{}</Region>", rules.region));
}

std::optional<S3Reply> wrong_time(const std::string& text, const AccessRules& rules) {
  const std::optional<SystemTime> time = parse_compact_time(text);
  if (!time) return error_reply(403, "AccessDenied", "no valid x-amz-date");
  const SystemTime now = std::chrono::system_clock::now() + rules.clock_offset;
  if (std::chrono::abs(now - *time) <= kMostSkew) return std::nullopt;
  return error_reply(403, "RequestTimeTooSkewed", "the clocks differ too much",
                     fmt::format("<RequestTime>{}</RequestTime><ServerTime>{}</ServerTime>", text,
                                 compact_time(now)));
}

std::optional<S3Reply> unsigned_header(const S3Call& call, const Claim& claim) {
  const auto is_signed = [&](const std::string& name) {
    return std::ranges::find(claim.signed_headers, name) != claim.signed_headers.end();
  };
  for (const auto& [name, value] : call.http.headers) {
    if ((name == "host" || name.starts_with("x-amz-")) && !is_signed(name)) {
      return error_reply(403, "AccessDenied", "a header is not signed: " + name);
    }
  }
  return std::nullopt;
}

std::optional<S3Reply> wrong_signature(const S3Call& call, const Claim& claim,
                                       const AccessRules& rules) {
  const Signable request = signable(call, claim);
  if (signature(request, rules.keys.secret_key) == claim.signature) return std::nullopt;
  return error_reply(403, "SignatureDoesNotMatch", "the signature is wrong",
                     fmt::format("<CanonicalRequest>{}</CanonicalRequest>",
                                 xml_escaped(canonical_request(request))));
}

std::optional<S3Reply> wrong_digest(const S3Call& call) {
  const std::string sha256 = call.http.header("x-amz-content-sha256");
  if (sha256.empty()) return error_reply(400, "InvalidRequest", "no x-amz-content-sha256");
  if (sha256.starts_with("STREAMING-")) return error_reply(501, "NotImplemented", sha256);
  if (sha256 != "UNSIGNED-PAYLOAD" && sha256 != sha256_hex(call.http.body)) {
    return error_reply(400, "XAmzContentSHA256Mismatch", "other bytes arrived");
  }
  const std::string md5 = call.http.header("content-md5");
  if (md5.empty() || md5 == md5_base64(call.http.body)) return std::nullopt;
  return error_reply(400, "BadDigest", "the Content-MD5 is another");
}

std::optional<S3Reply> wrong_token(const S3Call& call, const AccessRules& rules) {
  if (call.http.header("x-amz-security-token") == rules.keys.session_token) return std::nullopt;
  return error_reply(400, "InvalidToken", "the session token is not that of the key");
}

}  // namespace

std::string compact_time(SystemTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) throw_errno("gmtime_r");
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), kTimeFormat, &parts)};
}

std::optional<S3Reply> refusal(const S3Call& call, const AccessRules& rules) {
  const std::optional<Claim> claim = parse_claim(call.http.header("authorization"));
  if (!claim) return error_reply(403, "AccessDenied", "not signed");
  if (claim->access_key != rules.keys.access_key) {
    return error_reply(403, "InvalidAccessKeyId", "no such access key");
  }
  const std::string time = call.http.header("x-amz-date");
  if (auto reply = wrong_scope(*claim, rules, time)) return reply;
  if (auto reply = wrong_time(time, rules)) return reply;
  if (auto reply = unsigned_header(call, *claim)) return reply;
  if (auto reply = wrong_signature(call, *claim, rules)) return reply;
  if (auto reply = wrong_token(call, rules)) return reply;
  return wrong_digest(call);
}

}  // namespace pgstow::test
