// Refusals: a status and a code, and what comes with some of them.
#include <fmt/format.h>

#include "harness/s3_behaviour.h"

namespace pgstow::test {
namespace {

using enum Operation;

constexpr const char* kOtherRegion = "eu-central-1";
constexpr std::chrono::minutes kSkew{20};

const std::set<Operation> kWrites = {kPutObject, kCreateUpload, kUploadPart, kCompleteUpload};
const std::set<Operation> kObjects = {kPutObject, kGetObject, kHeadObject, kDeleteObject};
const std::set<Operation> kOfUploads = {kUploadPart, kCompleteUpload, kAbortUpload, kListParts};

Behaviour refusing(int status, std::string_view code, std::set<Operation> only = {}) {
  return replying(fmt::format("{} {}", status, code), error_reply(status, code, "as scripted"),
                  std::move(only));
}

Behaviour waiting(int status, std::string_view code) {
  S3Reply reply = error_reply(status, code, "as scripted");
  reply.headers["retry-after"] = "1";
  return replying(fmt::format("{} {}, Retry-After", status, code), reply);
}

Behaviour bad_gateway() {
  return replying("502 with HTML",
                  {.status = 502,
                   .headers = {{"content-type", "text/html"}},
                   .body = "<html><head><title>502 Bad Gateway</title></head><body><hr>"
                           "<center>nginx</center></body></html>"});
}

// From then on the other region is the right one as well as the server's own.
void name_other_region(S3Exchange& exchange) {
  exchange.read_body();
  exchange.world().accept_region(kOtherRegion);
  exchange.reply(error_reply(400, "AuthorizationHeaderMalformed", "the region is wrong",
                             fmt::format("<Region>{}</Region>", kOtherRegion)));
}

void move_for_ever(S3Exchange& exchange) {
  exchange.read_body();
  exchange.world().accept_region(kOtherRegion);
  S3Reply reply = error_reply(301, "PermanentRedirect", "use the endpoint of the bucket",
                              fmt::format("<Endpoint>s3.{}.test</Endpoint>", kOtherRegion));
  reply.headers["x-amz-bucket-region"] = kOtherRegion;
  exchange.reply(reply);
}

void redirect(S3Exchange& exchange, const std::string& url) {
  exchange.read_body();
  const HttpCall& http = exchange.call.http;
  S3Reply reply = error_reply(307, "TemporaryRedirect", "elsewhere",
                              fmt::format("<Endpoint>{}</Endpoint>", xml_escaped(url)));
  reply.headers["location"] = url + http.path + (http.query.empty() ? "" : "?" + http.query);
  exchange.reply(reply);
}

// From then on the server's clock is off: only a client that learns from its Date gets through.
Behaviour skewed(const std::string& how, std::chrono::minutes offset) {
  return {
      .name = "403 RequestTimeTooSkewed, the server is " + how,
      .carried = Behaviour::Carried::kNo,
      .sound = false,
      .only = {},
      .act = [offset](S3Exchange& exchange) {
        exchange.read_body();
        exchange.world().set_clock_offset(offset);
        const auto now = std::chrono::system_clock::now() + offset;
        exchange.reply(error_reply(403, "RequestTimeTooSkewed", "the clocks differ too much",
                                   fmt::format("<ServerTime>{}</ServerTime>", compact_time(now))));
      }};
}

// A busy server's door: the reply is there before the body, which nobody reads.
void refuse_early(S3Exchange& exchange) {
  exchange.last = true;
  S3Reply reply = error_reply(503, "SlowDown", "not now");
  reply.headers["connection"] = "close";
  exchange.reply(reply);
  exchange.peer().finish_sending();
  std::array<char, 4096> ignored;  // NOLINT
  while (exchange.peer().receive(ignored) > 0) continue;
}

void fail_after_doing(S3Exchange& exchange) {
  exchange.carry_out();
  exchange.reply(error_reply(500, "InternalError", "it was done, though"));
}

// As servers do that have no conditional writes (OpenStack Swift).
void refuse_conditions(S3Exchange& exchange) {
  exchange.read_body();
  const bool conditional = !exchange.call.http.header("if-none-match").empty();
  exchange.reply(conditional ? error_reply(501, "NotImplemented", "If-None-Match")
                             : exchange.carry_out());
}

}  // namespace

std::vector<Behaviour> status_behaviours() {
  using enum Behaviour::Carried;
  return {
      refusing(400, "RequestTimeout"),
      {"400 AuthorizationHeaderMalformed", kNo, false, {}, name_other_region},
      refusing(400, "ExpiredToken"),
      refusing(400, "InvalidToken"),
      refusing(400, "BadDigest", {kPutObject, kUploadPart}),
      refusing(400, "EntityTooSmall", {kCompleteUpload}),
      refusing(400, "InvalidPart", {kCompleteUpload}),
      refusing(400, "InvalidPartOrder", {kCompleteUpload}),
      refusing(400, "MalformedXML", {kCompleteUpload}),
      refusing(400, "InvalidArgument"),
      refusing(403, "AccessDenied"),
      skewed("ahead", kSkew),
      skewed("behind", -kSkew),
      refusing(403, "InvalidAccessKeyId"),
      refusing(403, "SignatureDoesNotMatch"),
      refusing(403, "QuotaExceeded", kWrites),
      refusing(404, "NoSuchKey", kObjects),
      refusing(404, "NoSuchBucket"),
      refusing(404, "NoSuchUpload", kOfUploads),
      refusing(405, "MethodNotAllowed"),
      refusing(408, "RequestTimeout"),
      refusing(409, "OperationAborted"),
      refusing(409, "ConditionalRequestConflict", {kPutObject, kCompleteUpload}),
      refusing(412, "PreconditionFailed", {kPutObject, kCompleteUpload, kGetObject}),
      refusing(416, "InvalidRange", {kGetObject}),
      refusing(429, "TooManyRequests"),
      waiting(429, "TooManyRequests"),
      refusing(500, "InternalError"),
      {"500 InternalError, but done", kYes, false, {}, fail_after_doing},
      refusing(501, "NotImplemented"),
      {"501 for If-None-Match", kNo, false, {kPutObject, kCompleteUpload}, refuse_conditions},
      bad_gateway(),
      refusing(503, "SlowDown"),
      waiting(503, "SlowDown"),
      {"503 before the body is read", kNo, false, {}, refuse_early},
      replying("503 without a body", {.status = 503, .headers = {}, .body = {}}),
      refusing(504, "GatewayTimeout"),
      {"301 PermanentRedirect", kNo, false, {}, move_for_ever},
      {"307 to another port",
       kNo,
       false,
       {},
       [](S3Exchange& exchange) { redirect(exchange, exchange.world().other_url()); }},
      {"307 to itself",
       kNo,
       false,
       {},
       [](S3Exchange& exchange) { redirect(exchange, exchange.world().url()); }},
  };
}

}  // namespace pgstow::test
