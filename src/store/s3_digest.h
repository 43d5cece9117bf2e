// Digests and tags as S3 writes them.
#pragma once

#include <string>
#include <string_view>

namespace pgstow {

std::string md5(std::string_view bytes);     // 16 bytes
std::string base64(std::string_view bytes);  // RFC 4648, with padding

// An ETag without its quotes and without W/.
std::string plain_etag(std::string_view etag);

// Whether the tag has the form of an MD5 (of an object in one piece): only then it can be compared.
bool is_md5_etag(std::string_view etag);

}  // namespace pgstow
