// A small correct S3 in memory: what the scripted server does when no fault is played.
//
// As AWS: conditional writes on PUT and (only If-None-Match) on CompleteMultipartUpload, ETags (the
// MD5 of the bytes; of a multipart object the MD5 of its parts' MD5s, "-" and their number), the
// least size of a part, pages of listings. User metadata, storage class, tags and object-lock
// headers are kept and told; a lock is not enforced. A completed upload is gone: to complete it
// again is NoSuchUpload.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/s3_call.h"

namespace pgstow::test {

struct StoredPart {
  std::string bytes;
  std::string etag;  // without quotes
  std::chrono::system_clock::time_point modified;
};

struct StoredObject {
  std::string bytes;
  std::string etag;                            // without quotes
  std::map<std::string, std::string> headers;  // that were sent with it and belong to it
  std::chrono::system_clock::time_point modified;
};

struct OpenUpload {
  std::string bucket;
  std::string key;
  std::map<std::string, std::string> headers;
  std::map<int, StoredPart> parts;
  std::chrono::system_clock::time_point begun;
};

// Thread-safe.
class S3Memory {
 public:
  struct Rules {
    std::size_t least_part_bytes = 5 << 20;  // of all parts but the last
    std::size_t page_size = 1000;            // of every listing
  };
  explicit S3Memory(Rules rules) : rules_(rules) {}

  // Does what the request asks for; its body is there, its signature has been checked.
  S3Reply carry_out(const S3Call& call);

  void make_bucket(const std::string& bucket);
  std::map<std::string, StoredObject> objects(const std::string& bucket) const;
  std::map<std::string, OpenUpload> uploads() const;  // by id
  // To spoil what is stored; does nothing when it is not there.
  void edit_upload(const std::string& id, const std::function<void(OpenUpload&)>& edit);
  void edit_object(const std::string& bucket, const std::string& key,
                   const std::function<void(StoredObject&)>& edit);

 private:
  using Bucket = std::map<std::string, StoredObject>;

  S3Reply bucket_call(const S3Call& call);
  S3Reply put(const S3Call& call, Bucket& bucket);
  S3Reply get(const S3Call& call, const Bucket& bucket) const;
  S3Reply create_upload(const S3Call& call);
  S3Reply upload_part(const S3Call& call);
  S3Reply complete(const S3Call& call, Bucket& bucket);
  S3Reply assemble(const S3Call& call, const std::vector<std::pair<int, std::string>>& wanted,
                   Bucket& bucket);
  S3Reply abort(const S3Call& call);
  S3Reply list_parts(const S3Call& call) const;
  S3Reply list_uploads(const S3Call& call) const;
  S3Reply list_objects(const S3Call& call, const Bucket& bucket) const;
  const OpenUpload* find_upload(const S3Call& call) const;
  std::size_t page(const S3Call& call, const std::string& parameter) const;

  const Rules rules_;
  mutable std::mutex mutex_;  // of all below
  std::map<std::string, Bucket> buckets_;
  std::map<std::string, OpenUpload> uploads_;
  int next_upload_ = 1;
};

}  // namespace pgstow::test
