#include "harness/s3_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "harness/sigv4.h"

namespace pgstow::test {
namespace {

constexpr int kMostParts = 10'000;

std::string etag_of(const S3Call& call) {
  return call.claimed_etag.empty() ? md5_hex(call.http.body) : call.claimed_etag;
}

std::string in_quotes(const std::string& etag) { return '"' + etag + '"'; }

std::string unquoted(std::string_view etag) {
  etag = trim(etag);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

std::map<std::string, std::string> kept_headers(const S3Call& call) {
  constexpr std::array<std::string_view, 4> kKept = {"x-amz-storage-class", "x-amz-tagging",
                                                     "content-type", "content-encoding"};
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : call.http.headers) {
    if (name.starts_with("x-amz-meta-") || name.starts_with("x-amz-object-lock-") ||
        std::ranges::find(kKept, name) != kKept.end()) {
      out[name] = value;
    }
  }
  return out;
}

S3Reply no_such_upload() { return error_reply(404, "NoSuchUpload", "no such upload"); }

std::optional<S3Reply> refused(const S3Call& call, bool exists) {
  const std::string condition = call.http.header("if-none-match");
  if (condition.empty()) return std::nullopt;
  if (condition != "*") return error_reply(501, "NotImplemented", "If-None-Match: only *");
  if (!exists) return std::nullopt;
  return error_reply(412, "PreconditionFailed", "it exists",
                     "<Condition>If-None-Match</Condition>");
}

std::optional<S3Reply> is_another(const S3Call& call,
                                  const std::map<std::string, StoredObject>& bucket) {
  const std::string condition = call.http.header("if-match");
  if (condition.empty()) return std::nullopt;
  const auto at = bucket.find(call.key);
  if (at == bucket.end()) return error_reply(404, "NoSuchKey", "no such key");
  if (condition == "*" || unquoted(condition) == at->second.etag) return std::nullopt;
  return error_reply(412, "PreconditionFailed", "another version",
                     "<Condition>If-Match</Condition>");
}

// AWS has no way to know whether bytes under a lock arrived as they were sent, unless told.
std::optional<S3Reply> lacks_checksum(const S3Call& call) {
  if (call.http.header("x-amz-object-lock-mode").empty() ||
      !call.http.header("content-md5").empty()) {
    return std::nullopt;
  }
  return error_reply(400, "InvalidRequest",
                     "Content-MD5 is required for Put Object requests with Object Lock parameters");
}

struct Span {
  std::size_t begin;
  std::size_t end;
};

// "bytes=a-b", "bytes=a-", "bytes=-n"; nothing when no byte of the object is in it. What is no
// range at all means everything.
std::optional<Span> parse_range(std::string_view text, std::size_t size) {
  const std::size_t dash = text.find('-');
  if (!text.starts_with("bytes=") || dash == std::string_view::npos) return Span{0, size};
  const auto first = parse_int(text.substr(6, dash - 6));
  const auto last = parse_int(text.substr(dash + 1));
  if (!first) {
    const std::size_t n = std::min(static_cast<std::size_t>(last.value_or(0)), size);
    return n == 0 ? std::nullopt : std::optional(Span{size - n, size});
  }
  const auto begin = static_cast<std::size_t>(*first);
  if (begin >= size) return std::nullopt;
  return Span{begin, last ? std::min(static_cast<std::size_t>(*last) + 1, size) : size};
}

S3Reply ranged(S3Reply reply, const std::string& range) {
  const std::size_t size = reply.body.size();
  const std::optional<Span> span = parse_range(range, size);
  if (!span) {
    S3Reply none = error_reply(416, "InvalidRange", "no byte of the object is in the range");
    none.headers["content-range"] = fmt::format("bytes */{}", size);
    return none;
  }
  reply.status = 206;
  reply.body = reply.body.substr(span->begin, span->end - span->begin);
  reply.headers["content-range"] = fmt::format("bytes {}-{}/{}", span->begin, span->end - 1, size);
  return reply;
}

std::string raw_of_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += percent_decoded(fmt::format("%{}", text.substr(i, 2)));
  }
  return out;
}

// Part numbers and ETags of a CompleteMultipartUpload document; throws Error when it is none.
std::vector<std::pair<int, std::string>> wanted_parts(const std::string& xml) {
  std::vector<std::pair<int, std::string>> out;
  for (const std::string& part : xml_values(xml, "Part")) {
    const std::vector<std::string> number = xml_values(part, "PartNumber");
    const std::vector<std::string> etag = xml_values(part, "ETag");
    const auto n = number.size() == 1 ? parse_int(number[0]) : std::nullopt;
    if (!n || etag.size() != 1) throw Error("a part without number or ETag");
    out.emplace_back(static_cast<int>(*n), unquoted(etag[0]));
  }
  if (out.empty() || xml.find("<CompleteMultipartUpload") == std::string::npos) {
    throw Error("no list of parts");
  }
  return out;
}

}  // namespace

S3Reply S3Memory::carry_out(const S3Call& call) {
  const std::lock_guard guard(mutex_);
  if (call.operation == Operation::kOther) return bucket_call(call);
  const auto bucket = buckets_.find(call.bucket);
  if (bucket == buckets_.end()) return error_reply(404, "NoSuchBucket", "no such bucket");
  switch (call.operation) {
    case Operation::kPutObject:
      return put(call, bucket->second);
    case Operation::kGetObject:
    case Operation::kHeadObject:
      return get(call, bucket->second);
    case Operation::kDeleteObject:
      bucket->second.erase(call.key);
      return {.status = 204, .headers = {}, .body = {}};
    case Operation::kCreateUpload:
      return create_upload(call);
    case Operation::kUploadPart:
      return upload_part(call);
    case Operation::kCompleteUpload:
      return complete(call, bucket->second);
    case Operation::kAbortUpload:
      return abort(call);
    case Operation::kListParts:
      return list_parts(call);
    case Operation::kListUploads:
      return list_uploads(call);
    case Operation::kListObjects:
      return list_objects(call, bucket->second);
    case Operation::kOther:
      break;
  }
  return bucket_call(call);
}

void S3Memory::make_bucket(const std::string& bucket) {
  const std::lock_guard guard(mutex_);
  buckets_[bucket];
}

std::map<std::string, StoredObject> S3Memory::objects(const std::string& bucket) const {
  const std::lock_guard guard(mutex_);
  const auto at = buckets_.find(bucket);
  return at == buckets_.end() ? Bucket{} : at->second;
}

std::map<std::string, OpenUpload> S3Memory::uploads() const {
  const std::lock_guard guard(mutex_);
  return uploads_;
}

void S3Memory::edit_upload(const std::string& id, const std::function<void(OpenUpload&)>& edit) {
  const std::lock_guard guard(mutex_);
  const auto at = uploads_.find(id);
  if (at != uploads_.end()) edit(at->second);
}

void S3Memory::edit_object(const std::string& bucket, const std::string& key,
                           const std::function<void(StoredObject&)>& edit) {
  const std::lock_guard guard(mutex_);
  Bucket& objects = buckets_[bucket];
  const auto at = objects.find(key);
  if (at != objects.end()) edit(at->second);
}

S3Reply S3Memory::bucket_call(const S3Call& call) {
  const bool whole_bucket = call.key.empty() && !call.bucket.empty() && call.query.empty();
  if (whole_bucket && call.http.method == "PUT") {
    buckets_[call.bucket];
    return {.status = 200, .headers = {{"location", "/" + call.bucket}}, .body = {}};
  }
  if (whole_bucket && call.http.method == "HEAD") {
    return {.status = buckets_.contains(call.bucket) ? 200 : 404, .headers = {}, .body = {}};
  }
  return error_reply(501, "NotImplemented", "this test server can't do that");
}

S3Reply S3Memory::put(const S3Call& call, Bucket& bucket) {
  if (auto reply = refused(call, bucket.contains(call.key))) return *reply;
  if (auto reply = is_another(call, bucket)) return *reply;
  if (auto reply = lacks_checksum(call)) return *reply;
  bucket[call.key] = {.bytes = call.http.body,
                      .etag = etag_of(call),
                      .headers = kept_headers(call),
                      .modified = std::chrono::system_clock::now()};
  return {.status = 200, .headers = {{"etag", in_quotes(etag_of(call))}}, .body = {}};
}

S3Reply S3Memory::get(const S3Call& call, const Bucket& bucket) const {
  const auto at = bucket.find(call.key);
  if (at == bucket.end()) return error_reply(404, "NoSuchKey", "no such key");
  const StoredObject& object = at->second;
  if (auto reply = is_another(call, bucket)) return *reply;
  S3Reply reply{.status = 200, .headers = object.headers, .body = object.bytes};
  reply.headers["etag"] = in_quotes(object.etag);
  reply.headers["last-modified"] = http_date(object.modified);
  reply.headers["accept-ranges"] = "bytes";
  const std::string range = call.http.header("range");
  return range.empty() ? reply : ranged(std::move(reply), range);
}

S3Reply S3Memory::create_upload(const S3Call& call) {
  const std::string id = fmt::format("upload.{:05}", next_upload_++);
  uploads_[id] = {.bucket = call.bucket,
                  .key = call.key,
                  .headers = kept_headers(call),
                  .parts = {},
                  .begun = std::chrono::system_clock::now()};
  return xml_reply(fmt::format(
      "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Bucket>{}</Bucket><Key>{}</Key><UploadId>{}</UploadId></InitiateMultipartUploadResult>",
      call.bucket, xml_escaped(call.key), id));
}

const OpenUpload* S3Memory::find_upload(const S3Call& call) const {
  const auto at = uploads_.find(call.parameter("uploadId"));
  const bool found =
      at != uploads_.end() && at->second.bucket == call.bucket && at->second.key == call.key;
  return found ? &at->second : nullptr;
}

S3Reply S3Memory::upload_part(const S3Call& call) {
  if (find_upload(call) == nullptr) return no_such_upload();
  const auto number = parse_int(call.parameter("partNumber"));
  if (!number || *number < 1 || *number > kMostParts) {
    return error_reply(400, "InvalidArgument", "part number must be from 1 to 10000");
  }
  uploads_[call.parameter("uploadId")].parts[static_cast<int>(*number)] = {
      .bytes = call.http.body, .etag = etag_of(call), .modified = std::chrono::system_clock::now()};
  return {.status = 200, .headers = {{"etag", in_quotes(etag_of(call))}}, .body = {}};
}

S3Reply S3Memory::complete(const S3Call& call, Bucket& bucket) {
  const OpenUpload* upload = find_upload(call);
  if (upload == nullptr) return no_such_upload();
  std::vector<std::pair<int, std::string>> wanted;
  try {
    wanted = wanted_parts(call.http.body);
  } catch (const Error& e) {
    return error_reply(400, "MalformedXML", e.what());
  }
  if (std::ranges::adjacent_find(wanted, [](const auto& a, const auto& b) {
        return a.first >= b.first;
      }) != wanted.end()) {
    return error_reply(400, "InvalidPartOrder", "not in ascending order");
  }
  for (const auto& [number, etag] : wanted) {
    const auto part = upload->parts.find(number);
    if (part == upload->parts.end() || part->second.etag != etag) {
      return error_reply(400, "InvalidPart", fmt::format("part {}", number));
    }
    if (number != wanted.back().first && part->second.bytes.size() < rules_.least_part_bytes) {
      return error_reply(400, "EntityTooSmall", fmt::format("part {}", number));
    }
  }
  if (auto reply = refused(call, bucket.contains(call.key))) return *reply;
  return assemble(call, wanted, bucket);
}

S3Reply S3Memory::assemble(const S3Call& call,
                           const std::vector<std::pair<int, std::string>>& wanted, Bucket& bucket) {
  const OpenUpload& upload = uploads_.at(call.parameter("uploadId"));
  StoredObject object{.bytes = {},
                      .etag = {},
                      .headers = upload.headers,
                      .modified = std::chrono::system_clock::now()};
  std::string digests;
  for (const auto& [number, etag] : wanted) {
    object.bytes += upload.parts.at(number).bytes;
    digests += raw_of_hex(etag);
  }
  object.etag = fmt::format("{}-{}", md5_hex(digests), wanted.size());
  const std::string etag = in_quotes(object.etag);
  bucket[call.key] = std::move(object);
  uploads_.erase(call.parameter("uploadId"));
  return xml_reply(fmt::format(
      "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Location>http://s3.test/{0}/{1}</Location><Bucket>{0}</Bucket><Key>{1}</Key>"
      "<ETag>{2}</ETag></CompleteMultipartUploadResult>",
      call.bucket, xml_escaped(call.key), xml_escaped(etag)));
}

S3Reply S3Memory::abort(const S3Call& call) {
  if (find_upload(call) == nullptr) return no_such_upload();
  uploads_.erase(call.parameter("uploadId"));
  return {.status = 204, .headers = {}, .body = {}};
}

}  // namespace pgstow::test
