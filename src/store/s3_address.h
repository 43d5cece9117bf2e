// URLs of buckets and objects.
// Source: Amazon S3 User Guide, "Virtual hosting of buckets", and its list of endpoints.
#pragma once

#include <string>
#include <string_view>

#include "store/s3_settings.h"

namespace pgstow {

struct S3Address {
  std::string scheme;  // "https"
  std::string host;    // as the Host header has it: with the port, unless that is the scheme's own
  std::string path;    // percent-encoded, begins with '/'

  std::string url() const { return scheme + "://" + host + path; }
};

// Of the object `key` (with its prefix; not encoded), or of the bucket if it is empty.
S3Address s3_address(const S3Settings& settings, const std::string& region, std::string_view key);

// Throws ConfigError unless it is "http://" or "https://" and a host, with a port if need be.
// Returns it without what need not be there.
std::string checked_endpoint(std::string_view endpoint);

// Throws ConfigError unless S3 could have a bucket of this name.
void check_bucket_name(std::string_view bucket);

}  // namespace pgstow
