// Who may speak to a test's S3 server: signatures and the digests they cover, checked by the tests'
// own signer (harness/sigv4.h). As strict as AWS: the region and the service of the scope, fifteen
// minutes of clock skew, and every x-amz-* header signed.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "harness/s3_call.h"
#include "harness/sigv4.h"

namespace pgstow::test {

struct AccessRules {
  S3Keys keys;
  std::string region;                    // named to who uses another one
  std::set<std::string> more_regions;    // accepted, too
  std::chrono::seconds clock_offset{0};  // how far the server's clock is ahead of ours
};

// The reply to a request that is not to be carried out; nothing when all is well. The body is
// there.
std::optional<S3Reply> refusal(const S3Call& call, const AccessRules& rules);

// "20261124T050000Z".
std::string compact_time(std::chrono::system_clock::time_point time);

}  // namespace pgstow::test
