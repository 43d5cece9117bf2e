// How objects are kept in a bucket, as the settings say: storage class, encryption, tags, lock.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "store/http_message.h"
#include "store/s3_client.h"
#include "store/s3_settings.h"

namespace pgstow {

// The headers that an object of that name and so many bytes is sent with, without those of its
// lock.
std::vector<HttpHeader> keeping_headers(const S3Settings& settings, std::string_view key,
                                        std::uint64_t bytes);

// Those of an object lock until then; none where the settings ask for no lock.
std::vector<HttpHeader> lock_headers(const S3Settings& settings, Time until);

// Whether the reply to a HEAD shows such a lock, for as many days since the object was made as the
// settings ask for, less one: clocks differ. True where they ask for none.
bool is_locked(const S3Settings& settings, const S3Reply& head, Time now);

// Locks an object that is there, unless it is locked already, and looks whether it is then. Throws
// Error when it is not: a server that knows no locks may take the wish and forget it.
void lock_object(S3Client& client, const std::string& key, const std::stop_token& stop);

// RFC 3339, whole seconds, UTC: "2026-11-27T03:00:00Z".
std::string lock_time(Time time);

}  // namespace pgstow
