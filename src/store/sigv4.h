// AWS Signature Version 4: the Authorization header that proves who sends a request. Sources: AWS
// General Reference, "Signing AWS API requests"; API reference of S3, "Authenticating Requests (AWS
// Signature Version 4)".
//
// Pure functions: no clock, no network, and nothing kept.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "store/aws_keys.h"
#include "store/http_message.h"

namespace pgstow {

// RFC 3986's unreserved characters (letters, digits, "-._~") stay, every other byte becomes %XX in
// upper-case hex; '/' stays when asked.
std::string uri_encode(std::string_view text, bool keep_slash = false);

// The SHA-256 of no bytes.
constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

using QueryParameters = std::vector<std::pair<std::string, std::string>>;  // plain, not encoded
// Encoded and sorted as it is signed and sent: "a=b&c=".
std::string query_string(QueryParameters parameters);

struct SigningScope {
  std::string region;
  std::string service;  // "s3", "sts"
  Time time;
};

// Adds x-amz-date, x-amz-security-token (if the keys have one), for "s3" x-amz-content-sha256 (if
// it is not there), and Authorization, which covers all headers and Host. What an earlier call
// added is replaced, but for x-amz-content-sha256: a request that is sent again is signed again.
//
// The path is percent-encoded as it is sent; "s3" signs it as it stands, the others fold "//", "."
// and ".." in it and encode it once more. The query is sent as query_string() writes it.
// payload_sha256 is the body's digest, or "UNSIGNED-PAYLOAD" where the service allows it. The keys
// must have passed check_keys(). Throws Error when OpenSSL fails.
void sign(std::string_view method, std::string_view host, std::string_view encoded_path,
          const QueryParameters& query, std::vector<HttpHeader>& headers,
          std::string_view payload_sha256, const AwsKeys& keys, const SigningScope& scope);

}  // namespace pgstow
