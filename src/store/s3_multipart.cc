#include "store/s3_multipart.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/text.h"
#include "store/aws_xml.h"
#include "store/s3_digest.h"
#include "store/s3_listing.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr std::uint64_t kMostPartBytes = 5ULL << 30;
constexpr std::uint64_t kFlightBytes = 128u << 20;  // of the parts in flight, roughly
constexpr std::uint32_t kSteps = 10;
constexpr int kSends = 3;
constexpr int kCompletePatience = 5;  // stalls: the server puts the parts together meanwhile

// What S3 encrypts with KMS keys has an ETag that is no MD5.
bool tells_md5(const S3Reply& reply) {
  return !reply.header("x-amz-server-side-encryption").starts_with("aws:kms");
}

// It goes into the XML that completes the upload.
void check_tag(std::string_view etag, const std::string& where) {
  const auto odd = [](char c) {
    return c <= ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"';
  };
  if (!etag.empty() && std::ranges::none_of(etag, odd)) return;
  throw Error(where + ": the server stored a part without a usable tag");
}

std::string parts_xml(const std::vector<S3Part>& parts) {
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const S3Part& part : parts) {
    xml += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>&quot;{}&quot;</ETag></Part>",
                       part.number, part.etag);
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace

std::uint64_t part_size(const S3Settings& settings, std::uint32_t number) {
  const std::uint32_t tenth = std::max(settings.most_parts / kSteps, 1U);
  const std::uint32_t step = std::min((number - 1) / tenth, kSteps - 1);
  return std::min(settings.part_bytes << step, kMostPartBytes);
}

unsigned parts_in_flight(const S3Settings& settings, std::uint64_t part_bytes) {
  const auto fit = static_cast<unsigned>(std::max<std::uint64_t>(kFlightBytes / part_bytes, 1));
  return std::min(settings.transfers, fit);
}

std::string begin_upload(S3Client& client, const std::string& key,
                         const std::vector<HttpHeader>& headers, const std::stop_token& stop) {
  const S3Reply reply = client.send_ok(
      {.method = "POST", .key = key, .query = {{"uploads", ""}}, .headers = headers}, stop);
  const std::string id = parse_xml(reply.http.body, client.location(key)).text_of("UploadId");
  // The id goes into a query and into a line of a note.
  if (id.empty() || id.size() > 4096 || std::ranges::any_of(id, [](char c) { return c < ' '; })) {
    throw Error(client.location(key) + ": the server began an upload without a usable id");
  }
  return id;
}

S3Part send_part(S3Client& client, const std::string& key, const std::string& upload_id,
                 std::uint32_t number, std::string_view bytes, const std::stop_token& stop) {
  S3Part part{.number = number,
              .bytes = bytes.size(),
              .sha256 = sha256_hex(bytes),
              .md5 = md5(bytes),
              .etag = {}};
  const S3Request request{
      .method = "PUT",
      .key = key,
      .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id}},
      .headers = {{"Content-MD5", base64(part.md5)}},
      .body = bytes,
      .body_sha256 = part.sha256};
  for (int sends = 1;; ++sends) {
    const S3Reply reply = client.send_ok(request, stop);
    part.etag = plain_etag(reply.header("etag"));
    check_tag(part.etag, client.location(key));
    if (!is_md5_etag(part.etag) || lower(part.etag) == hex(part.md5) || !tells_md5(reply)) {
      return part;
    }
    if (sends == kSends) {
      throw Transient(
          fmt::format("{}: part {}: the server goes on storing other bytes than it gets",
                      client.location(key), number));
    }
    client.context().log.warning(
        "the server stored other bytes than it got; sending them again",
        {{"object", client.location(key)}, {"part", std::to_string(number)}});
  }
}

S3Reply complete_upload(S3Client& client, const std::string& key, const std::string& upload_id,
                        const std::vector<S3Part>& parts, bool only_new,
                        const std::stop_token& stop) {
  const std::string body = parts_xml(parts);
  S3Request request{.method = "POST",
                    .key = key,
                    .query = {{"uploadId", upload_id}},
                    .headers = {{"Content-Type", "application/xml"}},
                    .body = body,
                    .patience = kCompletePatience * client.settings().stall,
                    .error_in_success = true};
  if (only_new) request.headers.push_back({"If-None-Match", "*"});
  return client.send(request, stop);
}

bool abort_upload(S3Client& client, const std::string& key, const std::string& upload_id,
                  const std::stop_token& stop) {
  const S3Request request{.method = "DELETE", .key = key, .query = {{"uploadId", upload_id}}};
  const S3Reply reply = client.send(request, stop);
  const bool gone = reply.status == 404 && reply.code != "NoSuchBucket";
  if (!reply.ok() && !gone) client.fail(request, reply);
  return !gone;
}

std::string etag_of(const std::vector<S3Part>& parts) {
  std::string all;
  for (const S3Part& part : parts) all += part.md5;
  return fmt::format("{}-{}", hex(md5(all)), parts.size());
}

}  // namespace pgstow
