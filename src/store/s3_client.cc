#include "store/s3_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/aws_xml.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLongestPause{20'000};
constexpr seconds kLongestWish{120};  // of a Retry-After header
constexpr int kMostDetours = 3;
constexpr std::size_t kMostWords = 300;  // of a server's message

bool one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

// Replies that may be another one the next time. BadDigest: the bytes were damaged on their way.
bool may_pass(const S3Reply& reply) {
  if (one_of(reply.code,
             {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable", "Throttling",
              "ThrottlingException", "RequestLimitExceeded", "OperationAborted",
              "ConditionalRequestConflict", "BadDigest", "XAmzContentSHA256Mismatch",
              "IncompleteBody", "PriorRequestNotComplete"})) {
    return true;
  }
  return reply.status == 408 || reply.status == 429 || reply.status == 500 ||
         (reply.status >= 502 && reply.status < 600);
}

milliseconds wished_pause(const S3Reply& reply) {
  const auto wish = parse_int(reply.header("retry-after"));
  if (!wish || *wish <= 0) return milliseconds(0);
  return std::min(seconds(*wish), kLongestWish);
}

std::string action(const S3Request& request) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(request.query, [&](const auto& one) { return one.first == name; });
  };
  const std::string& method = request.method;
  if (has("retention")) return "s3:PutObjectRetention";
  if (method == "DELETE") return has("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject";
  if (method == "PUT" || method == "POST") return "s3:PutObject";
  if (has("uploads")) return "s3:ListBucketMultipartUploads";
  if (has("uploadId")) return "s3:ListMultipartUploadParts";
  return request.key.empty() ? "s3:ListBucket" : "s3:GetObject";
}

bool asks_for_class(const S3Request& request) {
  return std::ranges::find(request.headers, "x-amz-storage-class", &HttpHeader::name) !=
         request.headers.end();
}

std::string hint_for(const S3Request& request, const S3Reply& reply) {
  const std::string& code = reply.code;
  if (code == "InvalidObjectState") {
    return "it lies in an archive class: `aws s3api restore-object` brings it back, hours later";
  }
  if (reply.status == 400 && asks_for_class(request)) {
    return "does the server have BACKUP_S3_STORAGE_CLASS?";
  }
  if (code == "NoSuchBucket") return "make the bucket, or mend BACKUP_S3_BUCKET and _REGION";
  if (code == "InvalidAccessKeyId") return "the server does not know this access key";
  if (code == "SignatureDoesNotMatch") return "is the secret key the one of this access key?";
  if (code == "RequestTimeTooSkewed") return "set this host's clock";
  if (one_of(code, {"ExpiredToken", "InvalidToken"})) return "fetch new keys: these have expired";
  if (one_of(code, {"QuotaExceeded", "EntityTooLarge"})) return "there is no room for it there";
  if (code == "AuthorizationHeaderMalformed") return "is BACKUP_S3_REGION the bucket's?";
  if (reply.status == 301) return "the bucket is elsewhere: mend BACKUP_S3_REGION or _ENDPOINT";
  if (reply.status == 403) {
    return fmt::format("these keys may need {} there; `pgstow doctor` tries each right",
                       action(request));
  }
  return {};
}

std::string words_of(const S3Reply& reply) {
  std::string words = reply.code.empty() ? "" : " " + printable(reply.code);
  if (!reply.message.empty()) words += ": " + printable(reply.message.substr(0, kMostWords));
  return words;
}

std::string_view code_without_body(int status) {
  switch (status) {
    case 403:
      return "AccessDenied";
    case 404:
      return "NoSuchKey";
    case 412:
      return "PreconditionFailed";
    case 416:
      return "InvalidRange";
    case 501:
      return "NotImplemented";
    default:
      return "";
  }
}

void read_error(S3Reply& reply, bool head) {
  if (reply.status < 300 && reply.http.body.find("<Error>") == std::string::npos) return;
  S3ErrorText error = parse_s3_error(reply.http.body);
  reply.code = std::move(error.code);
  reply.message = std::move(error.message);
  if (reply.code.empty() && (head || reply.http.body.empty())) {
    reply.code = code_without_body(reply.status);
  }
}

std::string named_region(const S3Reply& reply) {
  if (const auto header = reply.http.header("x-amz-bucket-region")) return *header;
  if (one_of(reply.code, {"AuthorizationHeaderMalformed", "PermanentRedirect"})) {
    return parse_s3_error(reply.http.body).region;
  }
  return {};
}

bool is_region(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !text.empty() && text.size() < 64 &&
         text.find_first_not_of(kLetters) == std::string_view::npos;
}

int month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::ranges::find(kMonths, name);
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin()) + 1;
}

}  // namespace

// What was learned about one request on its way; each correction is made once.
struct S3Client::Course {
  std::string region;  // that it is signed for
  std::chrono::seconds connect_timeout{0};
  std::optional<std::string> redirect;  // "https://host" of a 307
  int redirects = 0;
  bool region_followed = false;
  bool clock_followed = false;
  bool keys_renewed = false;
};

S3Client::S3Client(S3Settings settings, std::unique_ptr<Credentials> credentials,
                   const Context& context, std::uint32_t seed)
    : settings_(std::move(settings)),
      credentials_(std::move(credentials)),
      context_(context),
      http_({.ca = settings_.ca,
             .stall = settings_.stall,
             .most_bytes_per_second = settings_.most_bytes_per_second}),
      first_answer_(settings_.name, context_),
      region_(settings_.region),
      random_(seed) {}

std::string S3Client::region() {
  const std::lock_guard lock(mutex_);
  return region_;
}

milliseconds S3Client::clock_offset() {
  const std::lock_guard lock(mutex_);
  return clock_offset_;
}

std::string S3Client::location(std::string_view key) const {
  return fmt::format("s3://{}/{}", settings_.bucket, key);
}

std::string S3Client::place() const {
  return fmt::format("{} {} s3://{}", settings_.endpoint.empty() ? "aws" : settings_.endpoint,
                     settings_.region, settings_.bucket);
}

HttpReply S3Client::exchange(const S3Request& request, const Course& course, const AwsKeys& keys,
                             const std::stop_token& stop) {
  S3Address address = s3_address(settings_, course.region, request.key);
  if (course.redirect) {
    const std::size_t host = course.redirect->find("://") + 3;
    address.scheme = course.redirect->substr(0, host - 3);
    address.host = course.redirect->substr(host);
  }
  HttpRequest http{.method = request.method,
                   .url = address.url(),
                   .headers = request.headers,
                   .body = request.body,
                   .most_reply_bytes = request.most_reply_bytes,
                   .patience = request.patience,
                   .connect_timeout = course.connect_timeout};
  if (!request.query.empty()) http.url += "?" + query_string(request.query);
  const std::string hash =
      request.body_sha256.empty() ? sha256_hex(request.body) : request.body_sha256;
  sign(request.method, address.host, address.path, request.query, http.headers, hash, keys,
       {.region = course.region, .service = "s3", .time = context_.clock.now() + clock_offset()});
  return http_.send(http, stop);
}

S3Reply S3Client::try_once(const S3Request& request, const Course& course, const AwsKeys& keys,
                           const std::stop_token& stop) {
  S3Reply reply;
  reply.http = exchange(request, course, keys, stop);
  first_answer_.came();
  reply.status = reply.http.status;
  if (reply.status >= 300 || request.error_in_success) {
    read_error(reply, request.method == "HEAD");
  }
  return reply;
}

S3Reply S3Client::send(const S3Request& request, const std::stop_token& stop) {
  Course course;
  for (int attempt = 1;;) {
    S3Reply reply;
    course.region = region();
    course.connect_timeout = first_answer_.begin();
    const AwsKeys keys = credentials_->keys();
    milliseconds pause = usual_pause(attempt);
    try {
      reply = try_once(request, course, keys, stop);
    } catch (Transient& e) {
      const std::optional<milliseconds> next = next_pause(attempt, pause, e);
      if (!next) {
        e.within(fmt::format("{}: {} tries", location(request.key), attempt));
        throw;
      }
      pause = *next;
      context_.log.debug("trying again",
                         {{"request", request.method + " " + request.key}, {"cause", e.what()}});
    }
    if (reply.status != 0 && corrected(reply, keys, course)) continue;
    if (reply.status != 0 && (!may_pass(reply) || attempt == settings_.attempts)) {
      return reply;
    }
    context_.clock.sleep(std::max(pause, wished_pause(reply)), stop);
    ++attempt;
  }
}

S3Reply S3Client::send_ok(const S3Request& request, const std::stop_token& stop) {
  S3Reply reply = send(request, stop);
  if (!reply.ok()) fail(request, reply);
  return reply;
}

void S3Client::fail(const S3Request& request, const S3Reply& reply) const {
  const std::string text =
      fmt::format("{}: {} was answered with {}{}", printable(location(request.key)), request.method,
                  reply.status, words_of(reply));
  const std::string hint = hint_for(request, reply);
  if (reply.code == "NoSuchBucket") throw ConfigError(text, hint);
  if (reply.status == 404) throw NotFound(text, hint);
  if (reply.status == 412) throw Exists(text, hint);
  if (one_of(reply.code,
             {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
              "RequestTimeTooSkewed", "AuthorizationHeaderMalformed"})) {
    throw ConfigError(text, hint);
  }
  if (reply.status == 403 && reply.code != "InvalidObjectState") throw NotAllowed(text, hint);
  if (may_pass(reply)) throw Transient(text, hint);
  throw Error(text, hint);
}

// Whether the next try is another one than this, so that it need not wait.
bool S3Client::corrected(const S3Reply& reply, const AwsKeys& keys, Course& course) {
  if (reply.ok()) return false;
  return follow_region(reply, course) || follow_redirect(reply, course) ||
         follow_clock(reply, course) || renew_keys(reply, keys, course);
}

// Another request may have learned it since this one was signed.
bool S3Client::follow_region(const S3Reply& reply, Course& course) {
  const bool elsewhere = reply.status == 301 || reply.status == 400 || reply.status == 403;
  if (course.region_followed || !elsewhere) return false;
  const std::string named = named_region(reply);
  if (!is_region(named) || named == course.region) return false;
  course.region_followed = true;
  const std::lock_guard lock(mutex_);
  if (named == region_) return true;
  context_.log.info("the bucket is in another region",
                    {{"bucket", settings_.bucket}, {"region", named}, {"configured", region_}});
  region_ = named;
  return true;
}

// Only AWS sends these, for buckets so new that its name servers do not know them everywhere. They
// may not lead from https to http.
bool S3Client::follow_redirect(const S3Reply& reply, Course& course) const {
  if (reply.status != 307 || course.redirects == kMostDetours) return false;
  const std::string to = reply.header("location");
  const std::size_t host = to.find("://");
  if (host == std::string::npos) return false;
  const std::string scheme = lower(to.substr(0, host));
  const bool secure = settings_.endpoint.empty() || settings_.endpoint.starts_with("https:");
  if (scheme != "https" && (secure || scheme != "http")) return false;
  ++course.redirects;
  course.redirect = checked_endpoint(to.substr(0, to.find_first_of("/?#", host + 3)));
  return true;
}

bool S3Client::follow_clock(const S3Reply& reply, Course& course) {
  if (reply.code != "RequestTimeTooSkewed" || course.clock_followed) return false;
  const auto theirs = parse_http_date(reply.header("date"));
  if (!theirs) return false;
  const milliseconds offset = *theirs - context_.clock.now();
  context_.log.warning("this host's clock and the S3 server's differ",
                       {{"by", human_duration(std::chrono::abs(offset))},
                        {"hint", "set this host's clock: backups are named by it"}});
  const std::lock_guard lock(mutex_);
  clock_offset_ = offset;
  course.clock_followed = true;
  return true;
}

// An answer to HEAD has no code: 400 and 403 may mean that temporary keys have expired.
bool S3Client::renew_keys(const S3Reply& reply, const AwsKeys& keys, Course& course) {
  const bool said = one_of(
      reply.code, {"ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "TokenRefreshRequired"});
  const bool perhaps = !keys.session_token.empty() && reply.http.body.empty() &&
                       (reply.status == 400 || reply.status == 403);
  if (course.keys_renewed || (!said && !perhaps)) return false;
  course.keys_renewed = true;
  return credentials_->renew(keys);
}

// A random part of a time that doubles: many hosts that failed together do not come back together.
milliseconds S3Client::usual_pause(int attempt) {
  const milliseconds most = std::min(kFirstPause * (1 << std::min(attempt - 1, 16)), kLongestPause);
  const std::lock_guard lock(mutex_);
  return milliseconds(std::uniform_int_distribution<int>(static_cast<int>(most.count() / 4),
                                                         static_cast<int>(most.count()))(random_));
}

std::optional<milliseconds> S3Client::next_pause(int attempt, milliseconds usual,
                                                 const Transient& failure) {
  if (attempt == settings_.attempts) return std::nullopt;
  if (dynamic_cast<const NoConnection*>(&failure) == nullptr) return usual;
  const std::optional<milliseconds> most = first_answer_.failed(failure.what());
  if (!most) return usual;
  if (*most == milliseconds(0)) return std::nullopt;
  return std::min(usual, *most);
}

S3ErrorText parse_s3_error(std::string_view body) {
  try {
    const XmlElement error = parse_xml(body, "S3");
    if (error.name != "Error") return {};
    return {.code = error.text_of("Code"),
            .message = error.text_of("Message"),
            .region = error.text_of("Region")};
  } catch (const Error&) {  // a proxy's page; the status says what there is to say
    return {};
  }
}

std::optional<Time> parse_http_date(std::string_view text) {
  const std::vector<std::string_view> parts = split(trim(text), ' ');
  if (parts.size() != 6 || parts[5] != "GMT") return std::nullopt;
  const int month = month_of(parts[2]);
  return parse_rfc3339(fmt::format("{}-{:02}-{:0>2}T{}Z", parts[3], month, parts[1], parts[4]));
}

}  // namespace pgstow
