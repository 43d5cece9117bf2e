#include "harness/sigv4.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::test {
namespace {

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, kind, nullptr) != 1) {
    throw Error("EVP_Digest failed");
  }
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac(const std::string& key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(),
           &size) == nullptr) {
    throw Error("HMAC failed");
  }
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view value = equals == part.size() ? "" : part.substr(equals + 1);
    pairs.emplace_back(percent_encoded(percent_decoded(part.substr(0, equals))),
                       percent_encoded(percent_decoded(value)));
  }
  std::ranges::sort(pairs);
  std::vector<std::string> out;
  out.reserve(pairs.size());
  for (const auto& [name, value] : pairs) out.push_back(fmt::format("{}={}", name, value));
  return join(out, "&");
}

// Runs of spaces count as one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

std::string signed_names(const Signable& request) {
  std::vector<std::string> names;
  names.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) names.push_back(name);
  return join(names, ";");
}

std::string scope(const Signable& request) {
  return fmt::format("{}/{}/{}/aws4_request", request.time.substr(0, 8), request.region,
                     request.service);
}

std::string now() {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) throw_errno("gmtime_r");
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts)};
}

}  // namespace

std::string sha256_hex(std::string_view bytes) { return hex(digest(EVP_sha256(), bytes)); }

std::string md5_hex(std::string_view bytes) { return hex(digest(EVP_md5(), bytes)); }

std::string md5_base64(std::string_view bytes) {
  const std::string raw = digest(EVP_md5(), bytes);
  std::array<unsigned char, 32> out{};
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(raw.data()),
                                   static_cast<int>(raw.size()));
  return {reinterpret_cast<const char*>(out.data()), static_cast<std::size_t>(size)};
}

std::string percent_encoded(std::string_view text, bool slash_too) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '_' || c == '-' || c == '.' || c == '~' || (c == '/' && !slash_too);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    const std::size_t at = std::string_view("0123456789abcdef").find(lower({&c, 1})[0]);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string canonical_request(const Signable& request) {
  std::string headers;
  for (const auto& [name, value] : request.headers) {
    headers += name + ":" + canonical_value(value) + "\n";
  }
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method,
                     percent_encoded(percent_decoded(request.path), false),
                     canonical_query(request.query), headers, signed_names(request),
                     request.payload_hash);
}

std::string signature(const Signable& request, const std::string& secret_key) {
  std::string key = hmac("AWS4" + secret_key, request.time.substr(0, 8));
  key = hmac(key, request.region);
  key = hmac(key, request.service);
  key = hmac(key, "aws4_request");
  return hex(hmac(key, fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", request.time, scope(request),
                                   sha256_hex(canonical_request(request)))));
}

void sign(std::vector<std::pair<std::string, std::string>>& headers, Signable request,
          std::string_view body, const S3Keys& keys) {
  if (request.time.empty()) request.time = now();
  request.payload_hash = sha256_hex(body);
  headers.emplace_back("x-amz-date", request.time);
  headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  if (!keys.session_token.empty()) {
    headers.emplace_back("x-amz-security-token", keys.session_token);
  }
  for (const auto& [name, value] : headers) request.headers[lower(name)] = value;
  headers.emplace_back("Authorization",
                       fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, "
                                   "Signature={}",
                                   keys.access_key, scope(request), signed_names(request),
                                   signature(request, keys.secret_key)));
}

}  // namespace pgstow::test
