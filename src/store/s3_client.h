// Requests to an S3 server: signed, tried again when that may help, and answered or explained.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "store/credentials.h"
#include "store/first_answer.h"
#include "store/http_client.h"
#include "store/http_message.h"
#include "store/s3_address.h"
#include "store/s3_settings.h"
#include "store/sigv4.h"

namespace pgstow {

struct S3Request {
  std::string method;
  std::string key;  // with the prefix; empty: the bucket itself
  QueryParameters query = {};
  std::vector<HttpHeader> headers = {};
  std::string_view body = {};    // lent for the call
  std::string body_sha256 = {};  // empty: taken from the body, each time
  std::size_t most_reply_bytes = std::size_t{1} << 20;
  std::chrono::seconds patience{0};  // for a server that has to put parts together
  bool error_in_success = false;     // 200 may bring an <Error>: CompleteMultipartUpload
};

struct S3Reply {
  int status = 0;
  HttpReply http;
  std::string code;     // of an error: "NoSuchKey"
  std::string message;  // the server's own words, perhaps none

  bool ok() const { return status >= 200 && status < 300 && code.empty(); }
  std::string header(std::string_view name) const { return http.header(name).value_or(""); }
};

// Thread-safe.
class S3Client {
 public:
  // The settings have been checked. `seed` spreads the pauses of many hosts.
  S3Client(S3Settings settings, std::unique_ptr<Credentials> credentials, const Context& context,
           std::uint32_t seed);

  const S3Settings& settings() const { return settings_; }
  const Context& context() const { return context_; }

  // Sends a request until it is answered for good: what may pass (the network, 5xx, 429, a server
  // in haste) is tried again with growing pauses, new keys are fetched when these have expired, and
  // the region or the clock of signatures is put right when the server names a better one. Returns
  // every other reply, errors too. Throws Transient when it gives up, sooner at a server that has
  // never answered (first_answer.h), Cancelled on a stop.
  S3Reply send(const S3Request& request, const std::stop_token& stop);
  // The same, and throws for an error: NotFound, NotAllowed, Exists (412), Error.
  S3Reply send_ok(const S3Request& request, const std::stop_token& stop);

  // "s3://bucket/key".
  std::string location(std::string_view key) const;
  // The bucket and where it is: no other has the same.
  std::string place() const;
  // The same and what went wrong, as an Error of the fitting type.
  [[noreturn]] void fail(const S3Request& request, const S3Reply& reply) const;

 private:
  struct Course;
  HttpReply exchange(const S3Request& request, const Course& course, const AwsKeys& keys,
                     const std::stop_token& stop);
  S3Reply try_once(const S3Request& request, const Course& course, const AwsKeys& keys,
                   const std::stop_token& stop);
  bool corrected(const S3Reply& reply, const AwsKeys& keys, Course& course);
  bool follow_region(const S3Reply& reply, Course& course);
  bool follow_redirect(const S3Reply& reply, Course& course) const;
  bool follow_clock(const S3Reply& reply, Course& course);
  bool renew_keys(const S3Reply& reply, const AwsKeys& keys, Course& course);
  std::chrono::milliseconds usual_pause(int attempt);
  // The pause after a try that failed; nothing: it was the last one.
  std::optional<std::chrono::milliseconds> next_pause(int attempt, std::chrono::milliseconds usual,
                                                      const Transient& failure);
  std::string region();
  std::chrono::milliseconds clock_offset();

  const S3Settings settings_;
  const std::unique_ptr<Credentials> credentials_;
  const Context context_;
  HttpClient http_;
  FirstAnswer first_answer_;
  std::mutex mutex_;  // guards what follows
  std::string region_;
  std::chrono::milliseconds clock_offset_{0};  // the server's clock less ours
  std::minstd_rand random_;
};

// The error in a reply's body; both empty when there is none to be read.
struct S3ErrorText {
  std::string code;
  std::string message;
  std::string region;
};
S3ErrorText parse_s3_error(std::string_view body);

// "Tue, 24 Nov 2026 05:09:21 GMT" (RFC 9110, IMF-fixdate), as the Date header has it.
std::optional<Time> parse_http_date(std::string_view text);

}  // namespace pgstow
