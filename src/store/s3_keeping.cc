#include "store/s3_keeping.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "base/error.h"
#include "store/s3_digest.h"
#include "store/sigv4.h"

namespace pgstow {
namespace {

// Whoever bills classes for rare reading bills 128 KiB at least.
constexpr std::uint64_t kLeastClassBytes = std::uint64_t{128} * 1024;

// What lies beside an archive is read for every list, and may have megabytes, where there are many
// tables.
bool is_read_often(std::string_view key) { return key.ends_with(".json"); }

}  // namespace

std::vector<HttpHeader> keeping_headers(const S3Settings& settings, std::string_view key,
                                        std::uint64_t bytes) {
  std::vector<HttpHeader> headers;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) headers.push_back({name, value});
  };
  if (bytes >= kLeastClassBytes && !is_read_often(key)) {
    add("x-amz-storage-class", settings.storage_class);
  }
  add("x-amz-server-side-encryption", settings.encryption);
  add("x-amz-server-side-encryption-aws-kms-key-id", settings.kms_key);
  add("x-amz-tagging", query_string(settings.tags));
  return headers;
}

std::vector<HttpHeader> lock_headers(const S3Settings& settings, Time until) {
  if (settings.lock_mode.empty()) return {};
  return {{"x-amz-object-lock-mode", settings.lock_mode},
          {"x-amz-object-lock-retain-until-date", lock_time(until)}};
}

bool is_locked(const S3Settings& settings, const S3Reply& head, Time now) {
  if (settings.lock_mode.empty()) return true;
  const Time made = parse_http_date(head.header("last-modified")).value_or(now);
  const Time least = made + std::chrono::days(settings.lock_days - 1);
  const std::string until = head.header("x-amz-object-lock-retain-until-date");
  return head.header("x-amz-object-lock-mode") == settings.lock_mode &&
         parse_rfc3339(until).value_or(Time{}) >= least;
}

void lock_object(S3Client& client, const std::string& key, const std::stop_token& stop) {
  const S3Settings& settings = client.settings();
  const auto locked = [&] {
    const S3Request look{.method = "HEAD", .key = key};
    return is_locked(settings, client.send_ok(look, stop), client.context().clock.now());
  };
  if (settings.lock_mode.empty() || locked()) return;
  const Time until = client.context().clock.now() + std::chrono::days(settings.lock_days);
  const std::string body = fmt::format(
      "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{}</Mode>"
      "<RetainUntilDate>{}</RetainUntilDate></Retention>",
      settings.lock_mode, lock_time(until));
  const S3Request lock{
      .method = "PUT",
      .key = key,
      .query = {{"retention", ""}},
      .headers = {{"Content-Type", "application/xml"}, {"Content-MD5", base64(md5(body))}},
      .body = body};
  const S3Reply reply = client.send(lock, stop);
  if (reply.status == 403 || reply.status >= 500) client.fail(lock, reply);
  if (reply.ok() && locked()) return;
  throw Error(client.location(key) + ": is stored, but not locked",
              "the bucket needs object lock, and the keys s3:GetObjectRetention to see it");
}

std::string lock_time(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace pgstow
