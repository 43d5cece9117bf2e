#include "store/sigv4.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(),
             reinterpret_cast<unsigned char*>(out.data()), nullptr) == nullptr) {
    throw Error("hmac: openssl failed");
  }
  return out;
}

// "20261122T210528Z"
std::string amz_date(Time time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", std::chrono::floor<std::chrono::seconds>(time));
}

// "20261122/eu-central-1/s3/aws4_request"
std::string scope_text(std::string_view date, const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", date.substr(0, 8), scope.region, scope.service);
}

// Without empty and "." segments, each ".." and the one before it; "/" at the end stays.
std::string folded(std::string_view path) {
  std::vector<std::string> kept;
  const std::vector<std::string_view> parts = split(path, '/');
  for (const std::string_view part : parts) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.emplace_back(part);
    }
  }
  const bool ends_in_slash = parts.back().empty() || parts.back() == "." || parts.back() == "..";
  return "/" + join(kept, "/") + (ends_in_slash && !kept.empty() ? "/" : "");
}

std::string canonical_path(std::string_view path, std::string_view service) {
  if (path.empty()) return "/";
  return service == "s3" ? std::string(path) : uri_encode(folded(path), true);
}

// Without space at its ends; runs of spaces count as one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

struct SignedHeaders {
  std::string names;  // "host;x-amz-date"
  std::string lines;  // "host:...\nx-amz-date:...\n"
};

SignedHeaders canonical_headers(std::string_view host, const std::vector<HttpHeader>& headers) {
  std::map<std::string, std::string> values{{"host", canonical_value(host)}};
  for (const HttpHeader& header : headers) {
    const std::string name = lower(header.name);
    if (name == "host") continue;
    const auto [place, is_new] = values.try_emplace(name, canonical_value(header.value));
    if (!is_new) place->second += "," + canonical_value(header.value);
  }
  SignedHeaders out;
  for (const auto& [name, value] : values) {
    if (!out.names.empty()) out.names += ';';
    out.names += name;
    out.lines.append(name).append(":").append(value).append("\n");
  }
  return out;
}

std::string signature(std::string_view text, const std::string& secret, std::string_view date,
                      const SigningScope& scope) {
  std::string key = hmac("AWS4" + secret, date.substr(0, 8));
  for (const std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = hmac(key, step);
  }
  return hex(hmac(key, text));
}

bool has(const std::vector<HttpHeader>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const HttpHeader& h) { return lower(h.name) == name; });
}

// The headers that a signature needs, in place of those of an earlier one.
void prepare(std::vector<HttpHeader>& headers, const std::string& date, std::string_view payload,
             const AwsKeys& keys, std::string_view service) {
  std::erase_if(headers, [](const HttpHeader& header) {
    const std::string name = lower(header.name);
    return name == "x-amz-date" || name == "x-amz-security-token" || name == "authorization";
  });
  headers.push_back({"x-amz-date", date});
  if (!keys.session_token.empty()) {
    headers.push_back({"x-amz-security-token", keys.session_token});
  }
  if (service == "s3" && !has(headers, "x-amz-content-sha256")) {
    headers.push_back({"x-amz-content-sha256", std::string(payload)});
  }
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (c == '/' && keep_slash)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

std::string query_string(QueryParameters parameters) {
  for (auto& [name, value] : parameters) {
    name = uri_encode(name);
    value = uri_encode(value);
  }
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

void sign(std::string_view method, std::string_view host, std::string_view encoded_path,
          const QueryParameters& query, std::vector<HttpHeader>& headers,
          std::string_view payload_sha256, const AwsKeys& keys, const SigningScope& scope) {
  const std::string date = amz_date(scope.time);
  prepare(headers, date, payload_sha256, keys, scope.service);
  const SignedHeaders covered = canonical_headers(host, headers);
  const std::string request =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, canonical_path(encoded_path, scope.service),
                  query_string(query), covered.lines, covered.names, payload_sha256);
  const std::string place = scope_text(date, scope);
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, place, sha256_hex(request));
  headers.push_back(
      {"Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                                    kAlgorithm, keys.access_key_id, place, covered.names,
                                    signature(text, keys.secret_access_key, date, scope))});
}

}  // namespace pgstow
