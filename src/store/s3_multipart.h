// Multipart uploads: an object in parts that are sent side by side and become visible together.
// Source: Amazon S3 User Guide, "Uploading and copying objects using multipart upload", and "Amazon
// S3 multipart upload limits".
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "store/s3_client.h"
#include "store/s3_settings.h"

namespace pgstow {

// Bytes of the part with that number (the first is 1). The size doubles after each tenth of the
// parts, so that a small object needs little memory and 5 TiB fit into 10,000 parts of 8 MiB first.
// 5 GiB at most.
std::uint64_t part_size(const S3Settings& settings, std::uint32_t number);

// How many parts of that size may be in flight: as many as `transfers` says, but for large ones
// fewer, one at least.
unsigned parts_in_flight(const S3Settings& settings, std::uint64_t part_bytes);

struct S3Part {
  std::uint32_t number = 0;
  std::uint64_t bytes = 0;
  std::string sha256;  // of what was sent
  std::string md5;     // 16 bytes
  std::string etag;    // as the server gave it
};

// Returns the upload's id. When an answer was lost there may be another one, without any part, that
// nobody knows of.
std::string begin_upload(S3Client& client, const std::string& key,
                         const std::vector<HttpHeader>& headers, const std::stop_token& stop);

// Sends a part, again when the server has stored something else. Throws Transient when it goes on
// doing so.
S3Part send_part(S3Client& client, const std::string& key, const std::string& upload_id,
                 std::uint32_t number, std::string_view bytes, const std::stop_token& stop);

// Makes the object of its parts. Returns the reply; an error in it is the caller's to judge.
S3Reply complete_upload(S3Client& client, const std::string& key, const std::string& upload_id,
                        const std::vector<S3Part>& parts, bool only_new,
                        const std::stop_token& stop);

// Ends an upload and frees its parts; false when it was gone already.
bool abort_upload(S3Client& client, const std::string& key, const std::string& upload_id,
                  const std::stop_token& stop);

// The ETag that S3 gives to an object of these parts: the MD5 of their MD5s, and their number.
std::string etag_of(const std::vector<S3Part>& parts);

}  // namespace pgstow
