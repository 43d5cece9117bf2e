// S3 stores of tests: keys that are known, and views of a bucket of a real or scripted server.
#pragma once

#include <memory>
#include <string>

#include "harness/s3_server.h"
#include "store/credentials.h"
#include "store/s3_settings.h"
#include "store/s3_store.h"

namespace pgstow::test {

class FixedKeys final : public Credentials {
 public:
  explicit FixedKeys(const S3Keys& keys)
      : keys_{.access_key_id = keys.access_key,
              .secret_access_key = keys.secret_key,
              .session_token = keys.session_token,
              .expires = {}} {}

  AwsKeys keys() override { return keys_; }
  bool renew(const AwsKeys&) override { return false; }

 private:
  const AwsKeys keys_;
};

inline S3Settings s3_settings(const S3Address& server, const std::string& bucket) {
  S3Settings settings;
  settings.bucket = bucket;
  settings.prefix = "shop/";
  settings.region = server.region;
  settings.endpoint = server.url;
  return settings;
}

}  // namespace pgstow::test
