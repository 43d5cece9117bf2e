#include "backup/config_s3.h"

#include <fmt/format.h>

#include <algorithm>

#include "backup/config_stores.h"
#include "base/error.h"
#include "base/text.h"
#include "store/s3_address.h"

namespace pgstow {
namespace {

constexpr std::string_view kDefaultElsewhere =
    "us-east-1";                                 // what most servers that are not AWS's say
constexpr std::uint64_t kLeastPart = 5u << 20;   // S3's own limit
constexpr std::uint64_t kMostPart = 1ULL << 30;  // lies in memory
constexpr std::uint64_t kLeastBandwidth = 64u << 10;
constexpr std::uint64_t kLeastShare = 8u << 10;  // of one transfer; under 1 kB/s it is a stall
constexpr std::int64_t kMostTransfers = 64;
constexpr std::int64_t kMostAttempts = 100;
constexpr std::int64_t kMostStall = 3600;
constexpr std::int64_t kMostParts = 10'000;
constexpr std::int64_t kMostLockDays = 36'500;
constexpr std::size_t kMostPrefix = 512;  // a key has 1024 bytes
constexpr std::size_t kMostTags = 10;     // S3's own limit

// The settings of one store by the names that the first one's have.
class Reader {
 public:
  Reader(const Settings& settings, std::string_view store) : settings_(settings), store_(store) {}

  std::string name(std::string_view end) const { return store_variable(store_, end); }
  std::string text(std::string_view end) const { return settings_.text(name(end)); }
  bool given(std::string_view end) const {
    return !text(end).empty() && settings_.origin(name(end)) != "default";
  }
  [[noreturn]] void refuse(std::string_view end, const std::string& allowed) const {
    pgstow::refuse(settings_, name(end), allowed);
  }
  std::filesystem::path path(std::string_view end) const { return read_path(settings_, name(end)); }

  std::int64_t number(std::string_view end, std::int64_t least, std::int64_t most) const {
    const auto value = parse_int(text(end));
    if (!value || *value < least || *value > most) {
      refuse(end, fmt::format("{} to {}", least, most));
    }
    return *value;
  }

  std::uint64_t bytes(std::string_view end, std::uint64_t least, std::uint64_t most) const {
    const auto value = parse_bytes(text(end));
    if (!value || *value < least || *value > most) {
      refuse(end, fmt::format("a number with K, M or G, such as 16M; {}M to {}M", least >> 20,
                              most >> 20));
    }
    return *value;
  }

 private:
  const Settings& settings_;
  const std::string_view store_;
};

// "bucket", or "s3://bucket/some/prefix".
void read_place(const Reader& reader, S3Settings& s3) {
  std::string_view place;
  const std::string text = reader.text("BUCKET");
  place = text;
  if (place.empty()) {
    throw ConfigError(fmt::format("BACKUP_STORES: {} has no bucket", s3.name),
                      "set " + reader.name("BUCKET"));
  }
  if (place.starts_with("s3://")) place.remove_prefix(5);
  const std::size_t slash = place.find('/');
  s3.bucket = place.substr(0, slash);
  if (slash != std::string_view::npos) s3.prefix = place.substr(slash + 1);
  if (reader.given("PREFIX")) s3.prefix = reader.text("PREFIX");
  while (s3.prefix.starts_with('/')) s3.prefix.erase(0, 1);
  if (!s3.prefix.empty() && !s3.prefix.ends_with('/')) s3.prefix += '/';
  const bool odd = std::ranges::any_of(
      s3.prefix, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (odd || s3.prefix.size() > kMostPrefix)
    reader.refuse("PREFIX", "a plain path, such as db/shop");
  try {
    check_bucket_name(s3.bucket);
  } catch (Error& e) {
    e.within(reader.name("BUCKET"));
    throw;
  }
}

void read_server(const Reader& reader, S3Connection& to) {
  S3Settings& s3 = to.settings;
  const bool region_given = reader.given("REGION");
  if (region_given) s3.region = to.credentials.region = reader.text("REGION");
  AwsFiles files;
  if (!region_given || !reader.given("ENDPOINT")) files = read_aws_files(to.environment);
  if (reader.given("ENDPOINT")) {
    s3.endpoint = reader.text("ENDPOINT");
  } else {
    s3.endpoint = aws_endpoint("s3", to.credentials, to.environment, files).value_or("");
  }
  if (!s3.endpoint.empty()) {
    try {
      s3.endpoint = checked_endpoint(s3.endpoint);
    } catch (Error& e) {
      e.within(reader.name("ENDPOINT"));
      throw;
    }
  }
  if (!region_given) {
    const std::string usual =
        s3.endpoint.empty() ? reader.text("REGION") : std::string(kDefaultElsewhere);
    s3.region = aws_region(to.credentials, to.environment, files).value_or(usual);
  }
  const std::string addressing = lower(reader.text("ADDRESSING"));
  if (addressing == "path") {
    s3.addressing = S3Addressing::kPath;
  } else if (addressing == "virtual") {
    s3.addressing = S3Addressing::kVirtual;
  } else if (addressing != "auto") {
    reader.refuse("ADDRESSING", "auto, path or virtual");
  }
  s3.ca = reader.path("CA");
  if (s3.ca.empty()) s3.ca = to.environment("AWS_CA_BUNDLE").value_or("");
}

void read_keys(const Reader& reader, AwsCredentialOptions& options) {
  options.profile = reader.text("PROFILE");
  const std::string id = reader.text("ACCESS_KEY_ID");
  const std::string secret = reader.text("SECRET_ACCESS_KEY");
  if (id.empty() != secret.empty()) {
    throw ConfigError(fmt::format("{} is set, but {} is not",
                                  reader.name(id.empty() ? "SECRET_ACCESS_KEY" : "ACCESS_KEY_ID"),
                                  reader.name(id.empty() ? "ACCESS_KEY_ID" : "SECRET_ACCESS_KEY")));
  }
  if (id.empty()) return;
  options.keys =
      AwsKeys{.access_key_id = id, .secret_access_key = secret, .session_token = {}, .expires = {}};
}

// A transfer whose share is near the rate that counts as standing still would be cut for a stall.
void read_bandwidth(const Reader& reader, S3Settings& s3) {
  const auto value = parse_bytes(reader.text("BANDWIDTH"));
  const std::uint64_t least = std::max(kLeastBandwidth, kLeastShare * s3.transfers);
  if (!value || (*value != 0 && *value < least)) {
    reader.refuse("BANDWIDTH", fmt::format("0 (no limit), or with {} transfers at least {}K",
                                           s3.transfers, least >> 10));
  }
  s3.most_bytes_per_second = *value;
}

void read_transfer(const Reader& reader, S3Settings& s3) {
  s3.part_bytes = reader.bytes("PART_SIZE", kLeastPart, kMostPart);
  s3.most_parts = static_cast<std::uint32_t>(reader.number("MAX_PARTS", 10, kMostParts));
  s3.transfers = static_cast<unsigned>(reader.number("TRANSFERS", 1, kMostTransfers));
  const auto stall = parse_seconds(reader.text("STALL_TIMEOUT"));
  if (!stall || *stall < 1 || *stall > kMostStall) reader.refuse("STALL_TIMEOUT", "1s to 1h");
  s3.stall = std::chrono::seconds(*stall);
  s3.attempts = static_cast<int>(reader.number("ATTEMPTS", 1, kMostAttempts));
  read_bandwidth(reader, s3);
}

// "key=value,key=value".
void read_tags(const Reader& reader, S3Settings& s3) {
  const std::string text = reader.text("TAGS");
  if (text.empty()) return;
  for (const std::string_view tag : split(text, ',')) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string_view::npos || trim(tag.substr(0, equals)).empty()) {
      reader.refuse("TAGS", "a list such as team=shop,kind=backup");
    }
    const std::string key(trim(tag.substr(0, equals)));
    if (std::ranges::find(s3.tags, key, &std::pair<std::string, std::string>::first) !=
        s3.tags.end()) {
      reader.refuse("TAGS", "each key once");
    }
    s3.tags.emplace_back(key, trim(tag.substr(equals + 1)));
  }
  if (s3.tags.size() > kMostTags) reader.refuse("TAGS", "10 tags at most");
}

void read_keeping(const Reader& reader, S3Settings& s3) {
  s3.storage_class = reader.text("STORAGE_CLASS");
  s3.kms_key = reader.text("SSE_KMS_KEY_ID");
  const std::string sse = reader.text("SSE");
  if (!sse.empty() && sse != "AES256" && sse != "aws:kms" && sse != "aws:kms:dsse") {
    reader.refuse("SSE", "AES256, aws:kms or aws:kms:dsse");
  }
  if (!s3.kms_key.empty() && !sse.starts_with("aws:kms")) {
    reader.refuse("SSE_KMS_KEY_ID", "a key together with SSE aws:kms only");
  }
  s3.encryption = sse;
  std::string mode = lower(reader.text("LOCK_MODE"));
  if (mode.empty()) return;
  if (mode != "governance" && mode != "compliance") {
    reader.refuse("LOCK_MODE", "governance or compliance");
  }
  s3.lock_mode = mode == "governance" ? "GOVERNANCE" : "COMPLIANCE";
  s3.lock_days = static_cast<int>(reader.number("LOCK_DAYS", 1, kMostLockDays));
}

}  // namespace

S3Connection read_s3(const Settings& settings, std::string_view store, const Lookup& environment) {
  const Reader reader(settings, store);
  S3Connection to;
  to.environment = environment;
  to.settings.name = store;
  read_place(reader, to.settings);
  read_keys(reader, to.credentials);
  read_server(reader, to);
  read_transfer(reader, to.settings);
  read_tags(reader, to.settings);
  read_keeping(reader, to.settings);
  return to;
}

}  // namespace pgstow
