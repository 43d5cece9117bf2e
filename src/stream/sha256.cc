#include "stream/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
    throw Error("sha-256: openssl does not offer it");
}

void Sha256::update(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
    throw Error("sha-256: openssl failed");
}

std::string Sha256::finish() {
  std::array<char, 32> digest{};
  if (EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                         nullptr) != 1)
    throw Error("sha-256: openssl failed");
  return hex({digest.data(), digest.size()});
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

void HashSink::write(std::string_view bytes) {
  to_.write(bytes);
  hash_.update(bytes);
  bytes_ += bytes.size();
}

void HashSink::finish() {
  to_.finish();
  digest_ = hash_.finish();
}

std::size_t HashSource::read(std::span<char> into) {
  const std::size_t n = from_.read(into);
  if (n > 0) {
    hash_.update({into.data(), n});
    bytes_ += n;
  } else if (digest_.empty()) {
    digest_ = hash_.finish();
  }
  return n;
}

}  // namespace pgstow
