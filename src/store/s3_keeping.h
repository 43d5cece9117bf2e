// How objects are kept in a bucket, as the settings say: storage class, encryption, tags, lock.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "store/http_message.h"
#include "store/s3_settings.h"

namespace pgstow {

// The headers that an object of that many bytes is sent with, without those of its lock.
std::vector<HttpHeader> keeping_headers(const S3Settings& settings, std::uint64_t bytes);

// Those of an object lock until then; none where the settings ask for no lock.
std::vector<HttpHeader> lock_headers(const S3Settings& settings, Time until);

// RFC 3339, whole seconds, UTC: "2026-11-27T03:00:00Z".
std::string lock_time(Time time);

}  // namespace pgstow
