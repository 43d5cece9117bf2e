// Which rights the keys of an S3 store have, found by trying each.
// Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/s3_store.h"

namespace pgstow {

struct S3Right {
  std::string action;      // "s3:PutObject"
  std::string purpose;     // "make backups"
  bool needed = true;      // otherwise something is only less comfortable
  bool of_bucket = false;  // and not of its objects
  bool granted = false;
  std::string problem = {};  // what the server said, when it is not
};

// Writes, reads and removes a small object called `probe`, begins and aborts an upload, and looks
// at what lies there. Throws what is no matter of rights: no network, no such bucket, wrong keys.
std::vector<S3Right> try_rights(S3Store& store, std::string_view probe);

// An IAM policy that allows these, as JSON.
std::string policy_of(const S3Settings& settings, const std::vector<S3Right>& rights);

}  // namespace pgstow
