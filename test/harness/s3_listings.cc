// The listings of S3Memory: objects (ListObjectsV2), open uploads and their parts.
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "harness/s3_memory.h"
#include "harness/sigv4.h"

namespace pgstow::test {
namespace {

constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr std::string_view kTokenStart = "after.";

std::string utc(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<milliseconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

// A token is opaque to clients: the last key in hex.
std::string token_after(const std::string& key) { return std::string(kTokenStart) + hex(key); }

std::optional<std::string> key_before(const std::string& token) {
  if (!token.starts_with(kTokenStart)) return std::nullopt;
  std::string key;
  for (std::size_t i = kTokenStart.size(); i + 1 < token.size(); i += 2) {
    key += percent_decoded("%" + token.substr(i, 2));
  }
  return key;
}

std::string spelled(const S3Call& call, const std::string& key) {
  return call.parameter("encoding-type") == "url" ? percent_encoded(key, false) : xml_escaped(key);
}

// What the key counts as in this listing: with a delimiter, all keys of a folder are one.
std::string folded(const S3Call& call, const std::string& key) {
  const std::string delimiter = call.parameter("delimiter");
  if (delimiter.empty()) return key;
  const std::size_t at = key.find(delimiter, call.parameter("prefix").size());
  return at == std::string::npos ? key : key.substr(0, at + delimiter.size());
}

std::string contents(const S3Call& call, const std::string& key, const StoredObject& object) {
  const auto kind = object.headers.find("x-amz-storage-class");
  return fmt::format(
      "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag>"
      "<Size>{}</Size><StorageClass>{}</StorageClass></Contents>",
      spelled(call, key), utc(object.modified), object.etag, object.bytes.size(),
      kind == object.headers.end() ? "STANDARD" : kind->second);
}

}  // namespace

std::size_t S3Memory::page(const S3Call& call, const std::string& parameter) const {
  const auto asked = parse_int(call.parameter(parameter));
  return asked && *asked >= 0 ? std::min(static_cast<std::size_t>(*asked), rules_.page_size)
                              : rules_.page_size;
}

S3Reply S3Memory::list_objects(const S3Call& call, const Bucket& bucket) const {
  const std::string prefix = call.parameter("prefix");
  std::string after = call.parameter("start-after");
  if (const std::string token = call.parameter("continuation-token"); !token.empty()) {
    const std::optional<std::string> key = key_before(token);
    if (!key) return error_reply(400, "InvalidArgument", "the continuation token is incorrect");
    after = *key;
  }
  const std::size_t page_size = page(call, "max-keys");
  std::string entries;
  std::size_t count = 0;
  std::string last;
  bool truncated = false;
  for (auto at = bucket.lower_bound(std::max(prefix, after)); at != bucket.end(); ++at) {
    const auto& [key, object] = *at;
    if (!key.starts_with(prefix)) break;
    const std::string name = folded(call, key);
    if (name <= after || (count > 0 && name == last)) continue;
    truncated = count == page_size;
    if (truncated) break;
    entries += name == key ? contents(call, key, object)
                           : fmt::format("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
                                         spelled(call, name));
    last = name;
    ++count;
  }
  const std::string token =
      truncated ? "<NextContinuationToken>" + token_after(last) + "</NextContinuationToken>" : "";
  return xml_reply(fmt::format(
      "<ListBucketResult xmlns=\"{}\"><Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount>"
      "<MaxKeys>{}</MaxKeys><IsTruncated>{}</IsTruncated>{}{}{}</ListBucketResult>",
      kNamespace, call.bucket, spelled(call, prefix), count, page_size, truncated, token,
      call.parameter("encoding-type") == "url" ? "<EncodingType>url</EncodingType>" : "", entries));
}

S3Reply S3Memory::list_uploads(const S3Call& call) const {
  const std::string prefix = call.parameter("prefix");
  const std::pair after(call.parameter("key-marker"), call.parameter("upload-id-marker"));
  std::map<std::pair<std::string, std::string>, const OpenUpload*> sorted;
  for (const auto& [id, upload] : uploads_) {
    const std::pair place(upload.key, id);
    const bool later =
        after.second.empty() ? upload.key > after.first || after.first.empty() : place > after;
    if (upload.bucket == call.bucket && upload.key.starts_with(prefix) && later) {
      sorted[place] = &upload;
    }
  }
  const std::size_t page_size = page(call, "max-uploads");
  std::string entries;
  std::string next;
  std::size_t count = 0;
  for (const auto& [place, upload] : sorted) {
    if (count++ == page_size) break;
    const std::string key = spelled(call, place.first);
    entries += fmt::format(
        "<Upload><Key>{}</Key><UploadId>{}</UploadId><StorageClass>STANDARD</StorageClass>"
        "<Initiated>{}</Initiated></Upload>",
        key, place.second, utc(upload->begun));
    next =
        fmt::format("<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{}</NextUploadIdMarker>",
                    key, place.second);
  }
  const bool truncated = count > page_size;
  return xml_reply(fmt::format(
      "<ListMultipartUploadsResult xmlns=\"{}\"><Bucket>{}</Bucket><Prefix>{}</Prefix>"
      "<MaxUploads>{}</MaxUploads><IsTruncated>{}</IsTruncated>{}{}{}</ListMultipartUploadsResult>",
      kNamespace, call.bucket, spelled(call, prefix), page_size, truncated, truncated ? next : "",
      call.parameter("encoding-type") == "url" ? "<EncodingType>url</EncodingType>" : "", entries));
}

S3Reply S3Memory::list_parts(const S3Call& call) const {
  const OpenUpload* upload = find_upload(call);
  if (upload == nullptr) return error_reply(404, "NoSuchUpload", "no such upload");
  const auto after = static_cast<int>(parse_int(call.parameter("part-number-marker")).value_or(0));
  const std::size_t page_size = page(call, "max-parts");
  std::string entries;
  std::size_t count = 0;
  int last = 0;
  for (auto at = upload->parts.upper_bound(after); at != upload->parts.end(); ++at) {
    if (count++ == page_size) break;
    last = at->first;
    entries += fmt::format(
        "<Part><PartNumber>{}</PartNumber><LastModified>{}</LastModified>"
        "<ETag>&quot;{}&quot;</ETag><Size>{}</Size></Part>",
        last, utc(at->second.modified), at->second.etag, at->second.bytes.size());
  }
  const bool truncated = count > page_size;
  return xml_reply(fmt::format(
      "<ListPartsResult xmlns=\"{}\"><Bucket>{}</Bucket><Key>{}</Key><UploadId>{}</UploadId>"
      "<MaxParts>{}</MaxParts><IsTruncated>{}</IsTruncated>{}{}</ListPartsResult>",
      kNamespace, call.bucket, xml_escaped(call.key), call.parameter("uploadId"), page_size,
      truncated,
      truncated ? fmt::format("<NextPartNumberMarker>{}</NextPartNumberMarker>", last) : "",
      entries));
}

}  // namespace pgstow::test
