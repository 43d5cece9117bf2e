// Each right that the options need is tried, and the policy names what is missing.
#include "store/s3_rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "harness/rgw.h"
#include "harness/s3_connect.h"
#include "harness/scripted_s3.h"
#include "harness/swift.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kProbe = "backup_doctor_probe";

class S3Rights : public testing::Test {
 protected:
  S3Trial examine(const S3Server& server, const std::string& bucket, const S3Keys& keys) {
    settings.bucket = bucket;
    settings.prefix = "shop/";
    settings.region = server.region();
    settings.endpoint = server.url();
    S3Store store(settings, std::make_unique<FixedKeys>(keys), context_);
    S3Trial trial = try_rights(store, kProbe);
    missing_.clear();
    for (const S3Right& right : trial.rights) {
      if (!right.granted) missing_.push_back(right);
    }
    return trial;
  }
  S3Trial examine() { return examine(s3, s3.bucket(), s3.admin()); }

  std::vector<std::string> missing() const {
    std::vector<std::string> actions;
    for (const S3Right& right : missing_) actions.push_back(right.action);
    return actions;
  }
  std::string policy() const { return policy_of(settings, missing_); }

  void refuse(const std::string& header) {
    s3.on({.operation = Operation::kPutObject, .key_prefix = {}, .header = header},
          "403 AccessDenied");
  }

  S3Settings settings;
  ScriptedS3 s3;

 private:
  std::vector<S3Right> missing_;
  SystemClock clock_;
  Log log_{clock_, LogFormat::kText, Level::kError};
  Context context_{.log = log_, .clock = clock_, .stop = {}};
};

TEST_F(S3Rights, WithoutOptionsTheUsualOnes) {
  EXPECT_THAT(examine().remains, IsEmpty());
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_THAT(s3.objects(), IsEmpty());
  EXPECT_THAT(s3.open_uploads(), IsEmpty());
}

TEST_F(S3Rights, Tags) {
  settings.tags = {{"team", "shop"}};
  examine();
  EXPECT_THAT(missing(), IsEmpty());
  refuse("x-amz-tagging");
  examine();
  EXPECT_THAT(missing(), ElementsAre("s3:PutObjectTagging"));
  EXPECT_THAT(policy(),
              AllOf(HasSubstr("\"s3:PutObjectTagging\""), HasSubstr("arn:aws:s3:::backups/shop/*"),
                    Not(HasSubstr("s3:PutObject\""))));
}

TEST_F(S3Rights, TheEncryptionKey) {
  settings.encryption = "aws:kms";
  settings.kms_key = "1234abcd";
  settings.tags = {{"team", "shop"}};
  examine();
  EXPECT_THAT(missing(), IsEmpty());
  s3.on({Operation::kGetObject}, "403 AccessDenied", nth(1));
  examine();
  EXPECT_THAT(missing(), ElementsAre("kms:Decrypt"));
  EXPECT_THAT(policy(), HasSubstr("arn:aws:kms:*:*:key/1234abcd"));
  s3.clear();
  refuse("x-amz-server-side-encryption");
  examine();
  EXPECT_THAT(missing(), ElementsAre("kms:GenerateDataKey", "kms:Decrypt"));
}

// The probe is too small to have one; the upload that is begun has it.
TEST_F(S3Rights, AStorageClassThatTheServerDoesNotHave) {
  settings.storage_class = "FOO";
  s3.on({.operation = Operation::kCreateUpload, .key_prefix = {}, .header = "x-amz-storage-class"},
        replying("no such class", error_reply(400, "InvalidStorageClass", "as scripted")));
  try {
    examine();
    FAIL() << "the class was not tried";
  } catch (const Error& e) {
    EXPECT_THAT(e.hint(), HasSubstr("BACKUP_S3_STORAGE_CLASS"));
  }
}

TEST_F(S3Rights, ALock) {
  settings.lock_mode = "GOVERNANCE";
  settings.lock_days = 30;
  refuse("x-amz-object-lock-mode");
  examine();
  EXPECT_THAT(missing(), ElementsAre("s3:PutObjectRetention", "s3:GetObjectRetention"));
}

TEST_F(S3Rights, OfWritingAtAll) {
  settings.tags = {{"team", "shop"}};
  s3.on({Operation::kPutObject}, "403 AccessDenied");
  examine();
  EXPECT_THAT(missing(), ElementsAre("s3:PutObject", "s3:PutObjectTagging", "s3:GetObject",
                                     "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"));
}

// Ceph asks for the right to see a lock; the probe is locked for minutes, and hidden.
TEST_F(S3Rights, ALockAtCeph) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket({{"x-amz-bucket-object-lock-enabled", "true"}});
  settings.lock_mode = "COMPLIANCE";
  settings.lock_days = 30;
  settings.tags = {{"team", "shop"}};
  EXPECT_THAT(examine(rgw, bucket, rgw.admin()).remains,
              AllOf(HasSubstr(kProbe), HasSubstr("20 minutes")));
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_THAT(rgw.keys(bucket), IsEmpty());
  // What the keys wrote themselves they may see there, unless it is denied.
  std::string policy = allow_policy(bucket, {"s3:PutObject", "s3:GetObject", "s3:ListBucket"});
  std::string deny = allow_policy(bucket, {"s3:GetObjectRetention"});
  deny.replace(deny.find("Allow"), 5, "Deny");
  const std::size_t statement = deny.find("[{") + 1;
  policy.insert(policy.size() - 2, "," + deny.substr(statement, deny.size() - 2 - statement));
  rgw.set_policy(bucket, policy);
  EXPECT_THAT(examine(rgw, bucket, rgw.limited()).remains, HasSubstr("stays there"));
  EXPECT_THAT(missing(), testing::Contains("s3:GetObjectRetention"));
}

TEST_F(S3Rights, ABucketThatCannotLockIsToldFromAMissingRight) {
  settings.lock_mode = "GOVERNANCE";
  settings.lock_days = 30;
  const Rgw& rgw = shared_rgw();
  EXPECT_THROW(examine(rgw, rgw.make_bucket(), rgw.admin()), ConfigError);
  const Swift& swift = shared_swift();
  EXPECT_THROW(examine(swift, swift.make_bucket(), swift.admin()), ConfigError);
}

}  // namespace
}  // namespace pgstow::test
