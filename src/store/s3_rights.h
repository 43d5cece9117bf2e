// Which rights the keys of an S3 store have, found by trying each.
// Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations"; "Using
// server-side encryption with AWS KMS keys".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/s3_store.h"

namespace pgstow {

enum class S3Resource { kBucket, kObjects, kEncryptionKey };

struct S3Right {
  std::string action;   // "s3:PutObject"
  std::string purpose;  // "make backups"
  S3Resource resource = S3Resource::kObjects;
  bool needed = true;  // otherwise something is only less comfortable
  bool granted = false;
  std::string problem = {};  // what the server said, when it is not
};

struct S3Trial {
  std::vector<S3Right> rights;
  std::string remains;  // what could not be taken away again; empty: nothing
};

// Writes, reads and removes a small object called `probe`, with the options that a backup would
// have (but locked for minutes, not days), begins and aborts an upload, and looks at what lies
// there. Throws what is no matter of rights: no network, no such bucket, wrong keys, a bucket that
// can't lock, a storage class that the server does not have.
S3Trial try_rights(S3Store& store, std::string_view probe);

// An IAM policy that allows these, as JSON.
std::string policy_of(const S3Settings& settings, const std::vector<S3Right>& rights);

}  // namespace pgstow
