// An S3 store put together: settings, keys, HTTP.
#pragma once

#include <memory>

#include "base/context.h"
#include "base/env_expand.h"
#include "store/aws_options.h"
#include "store/s3_settings.h"
#include "store/s3_store.h"

namespace pgstow {

struct S3Connection {
  S3Settings settings;
  AwsCredentialOptions credentials;
  Lookup environment;  // of AWS_... variables
};

// Nothing is sent, and no keys are looked for, before the store is used. The context has to outlive
// it.
std::unique_ptr<S3Store> connect_s3(const S3Connection& connection, const Context& context);

}  // namespace pgstow
