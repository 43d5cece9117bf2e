// Where the keys come from that sign our requests, and how they stay fresh.
#pragma once

#include "store/aws_keys.h"

namespace pgstow {

// Both methods may be called from several threads; one of them at a time asks for new keys.
class Credentials {
 public:
  virtual ~Credentials() = default;

  // Keys that are good now. Those that soon expire are exchanged before they do: while one thread
  // does so, the others go on with the old ones, and when it fails, so does everybody until the old
  // ones have expired. Throws what asking for them throws: ConfigError when there are none.
  virtual AwsKeys keys() = 0;

  // For keys that a server refused as expired or unknown (ExpiredToken, InvalidToken,
  // InvalidAccessKeyId). Returns true when keys() has others now, so that the request is worth one
  // more try; false when there are no others.
  virtual bool renew(const AwsKeys& refused) = 0;
};

}  // namespace pgstow
