#include "store/s3_digest.h"

#include <openssl/evp.h>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {

std::string md5(std::string_view bytes) {
  std::string digest(16, '\0');
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_md5(), nullptr) != 1 ||
      size != digest.size()) {
    throw Error("MD5: OpenSSL refuses", "S3 needs it: is this OpenSSL in FIPS mode?");
  }
  return digest;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP writes a NUL after it
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::string plain_etag(std::string_view etag) {
  etag = trim(etag);
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

bool is_md5_etag(std::string_view etag) {
  const std::string plain = lower(plain_etag(etag));
  return plain.size() == 32 && plain.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace pgstow
