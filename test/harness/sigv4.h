// AWS Signature Version 4 for tests, written apart from src/store so that neither copies the
// other's mistakes. Source: AWS General Reference, "Signing AWS API requests", and for S3 the
// chapter "Authenticating Requests (AWS Signature Version 4)" of its API reference.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgstow::test {

struct S3Keys {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // empty: permanent keys
};

// What a signature covers.
struct Signable {
  std::string method;
  std::string path;                            // as it stands in the request line, percent-encoded
  std::string query;                           // likewise, without the '?'
  std::map<std::string, std::string> headers;  // those that are signed; names in lower case
  std::string payload_hash;                    // x-amz-content-sha256's value
  std::string time;                            // "20261124T050000Z"
  std::string region;
  std::string service = "s3";
};

std::string sha256_hex(std::string_view bytes);
std::string md5_base64(std::string_view bytes);
std::string md5_hex(std::string_view bytes);

// RFC 3986: all but letters, digits and "-._~" becomes %XX; '/' only if asked.
std::string percent_encoded(std::string_view text, bool slash_too = true);
// Undoes it; a '%' without two hex digits stays.
std::string percent_decoded(std::string_view text);

std::string canonical_request(const Signable& request);
// The signature in hex.
std::string signature(const Signable& request, const std::string& secret_key);

// Adds x-amz-date, x-amz-content-sha256, the token if any, and Authorization to `headers`, which
// has to hold Host already; all of them get signed.
void sign(std::vector<std::pair<std::string, std::string>>& headers, Signable request,
          std::string_view body, const S3Keys& keys);

}  // namespace pgstow::test
