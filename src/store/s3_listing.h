// What lies in a bucket: objects, and uploads that nobody has completed or aborted.
// Source: Amazon S3 API reference, ListObjectsV2 and ListMultipartUploads.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "store/s3_client.h"
#include "store/store.h"

namespace pgstow {

// All objects whose key starts with `prefix` and has no '/' after `folder`, in order of key; keys
// are whole, with the folder. Throws when the server's pages have no end or make no sense.
std::vector<Object> list_objects(S3Client& client, const std::string& folder,
                                 std::string_view prefix, const std::stop_token& stop);

// The names of the folders in `folder`: what stands in keys between it and the next '/'. Sorted.
std::vector<std::string> list_folders(S3Client& client, const std::string& folder,
                                      const std::stop_token& stop);

struct OpenUpload {
  std::string key;
  std::string id;
  Time initiated;
};

struct OpenUploads {
  std::vector<OpenUpload> uploads;
  std::optional<Time> now;  // by the server's clock
};

// All open uploads whose key starts with `prefix`. Throws NotAllowed without the right to see them.
OpenUploads list_uploads(S3Client& client, const std::string& prefix, const std::stop_token& stop);

// When the last part of an upload arrived; nothing if none has.
std::optional<Time> last_part(S3Client& client, const OpenUpload& upload,
                              const std::stop_token& stop);

}  // namespace pgstow
