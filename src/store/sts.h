// AWS's Security Token Service: keys of a role, for other keys or for a token of somebody whom AWS
// trusts (Kubernetes, a CI system). Source: API reference of STS, version 2011-06-15.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "store/aws_options.h"
#include "store/key_source.h"

namespace pgstow {

struct Role {
  std::string arn;
  std::string session_name;                      // empty: "pgstow"
  std::string external_id;                       // empty: none
  std::optional<std::chrono::seconds> duration;  // nothing: an hour, STS's own choice
};

// Where it is asked, and for which region requests to it are signed.
struct StsPlace {
  std::string url;
  std::string region;
};
// The configured endpoint, or the one of the region, or without a region the global one.
StsPlace sts_place(const AwsCredentialOptions& options, const Lookup& environment,
                   const AwsFiles& files);

// Each asks once (and again while STS is in trouble). Throws NotAllowed when the role must not be
// assumed, Transient when STS can't answer now, Error otherwise. Errors name STS's host, the role
// and STS's code, and never show the rest of its answer, which may repeat what was sent.
AwsKeys assume_role(const Role& role, const AwsKeys& by, const StsPlace& place,
                    const KeyTools& tools);
AwsKeys assume_role_with_token(const Role& role, std::string_view token, const StsPlace& place,
                               const KeyTools& tools);

}  // namespace pgstow
