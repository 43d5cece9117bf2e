#include "store/s3_keeping.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "store/sigv4.h"

namespace pgstow {
namespace {

// Whoever bills classes for rare reading bills 128 KiB at least, and manifests are read for every
// list.
constexpr std::uint64_t kLeastClassBytes = std::uint64_t{128} * 1024;

}  // namespace

std::vector<HttpHeader> keeping_headers(const S3Settings& settings, std::uint64_t bytes) {
  std::vector<HttpHeader> headers;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) headers.push_back({name, value});
  };
  if (bytes >= kLeastClassBytes) add("x-amz-storage-class", settings.storage_class);
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
