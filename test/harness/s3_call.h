// A request as S3 understands it, and the replies that need no storage. Source: "Amazon S3 API
// Reference", Actions and "Error responses".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "harness/http_call.h"

namespace pgstow::test {

enum class Operation {
  kPutObject,
  kGetObject,
  kHeadObject,
  kDeleteObject,
  kCreateUpload,
  kUploadPart,
  kCompleteUpload,
  kAbortUpload,
  kListParts,
  kListUploads,
  kListObjects,
  kOther,  // of buckets, and what is not supported
};

std::string_view name_of(Operation operation);  // "PutObject"

struct S3Call {
  HttpCall http;
  Operation operation = Operation::kOther;
  std::string bucket;
  std::string key;                           // decoded
  std::map<std::string, std::string> query;  // likewise
  std::string claimed_etag;  // what to say is stored, instead of what is; for faults

  // Empty when it is not there.
  std::string parameter(const std::string& name) const;
};

// Takes the bucket from the path, or from the host BUCKET.s3.test.
S3Call parse_s3_call(HttpCall http);

// An <Error> document: what every reply that is no success carries.
std::string error_xml(std::string_view code, std::string_view message = {},
                      std::string_view more = {});
S3Reply error_reply(int status, std::string_view code, std::string_view message = {},
                    std::string_view more = {});
S3Reply xml_reply(std::string xml);

std::string xml_escaped(std::string_view text);

}  // namespace pgstow::test
