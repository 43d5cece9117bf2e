#include "harness/s3_call.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/text.h"
#include "harness/sigv4.h"

namespace pgstow::test {
namespace {

constexpr std::string_view kDomain = ".s3.test";

std::map<std::string, std::string> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    out[percent_decoded(part.substr(0, equals))] =
        equals == part.size() ? "" : percent_decoded(part.substr(equals + 1));
  }
  return out;
}

void find_bucket_and_key(S3Call& call) {
  std::string host = call.http.header("host");
  host.resize(std::min(host.find(':'), host.size()));
  std::string_view path = std::string_view(call.http.path).substr(1);
  if (host.ends_with(kDomain)) {
    call.bucket = host.substr(0, host.size() - kDomain.size());
  } else {
    const std::size_t slash = std::min(path.find('/'), path.size());
    call.bucket = percent_decoded(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  call.key = percent_decoded(path);
}

Operation bucket_operation(const S3Call& call) {
  if (call.http.method != "GET") return Operation::kOther;
  if (call.query.contains("uploads")) return Operation::kListUploads;
  return call.parameter("list-type") == "2" ? Operation::kListObjects : Operation::kOther;
}

Operation object_operation(const S3Call& call) {
  const std::string& method = call.http.method;
  if (call.query.contains("uploadId")) {
    if (method == "PUT") return Operation::kUploadPart;
    if (method == "POST") return Operation::kCompleteUpload;
    if (method == "DELETE") return Operation::kAbortUpload;
    return method == "GET" ? Operation::kListParts : Operation::kOther;
  }
  if (method == "POST") {
    return call.query.contains("uploads") ? Operation::kCreateUpload : Operation::kOther;
  }
  static const std::map<std::string, Operation> kPlain = {{"PUT", Operation::kPutObject},
                                                          {"GET", Operation::kGetObject},
                                                          {"HEAD", Operation::kHeadObject},
                                                          {"DELETE", Operation::kDeleteObject}};
  const bool sub_resource = !call.query.empty() && !call.query.contains("x-id");
  const auto at = kPlain.find(method);
  return sub_resource || at == kPlain.end() ? Operation::kOther : at->second;
}

}  // namespace

std::string_view name_of(Operation operation) {
  constexpr std::array<std::string_view, 12> kNames = {
      "PutObject",      "GetObject",   "HeadObject", "DeleteObject", "CreateUpload", "UploadPart",
      "CompleteUpload", "AbortUpload", "ListParts",  "ListUploads",  "ListObjects",  "other"};
  return kNames.at(static_cast<std::size_t>(operation));
}

std::string S3Call::parameter(const std::string& name) const {
  const auto at = query.find(name);
  return at == query.end() ? "" : at->second;
}

S3Call parse_s3_call(HttpCall http) {
  S3Call call{.http = std::move(http), .bucket = {}, .key = {}, .query = {}, .claimed_etag = {}};
  call.query = parse_query(call.http.query);
  find_bucket_and_key(call);
  call.operation = call.key.empty() ? bucket_operation(call) : object_operation(call);
  return call;
}

std::string error_xml(std::string_view code, std::string_view message, std::string_view more) {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>"
      "{}<RequestId>TEST</RequestId></Error>",
      code, xml_escaped(message), more);
}

S3Reply error_reply(int status, std::string_view code, std::string_view message,
                    std::string_view more) {
  return {.status = status,
          .headers = {{"content-type", "application/xml"}},
          .body = error_xml(code, message, more)};
}

S3Reply xml_reply(std::string xml) {
  return {.status = 200,
          .headers = {{"content-type", "application/xml"}},
          .body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + std::move(xml)};
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("&#x{:X};", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace pgstow::test
