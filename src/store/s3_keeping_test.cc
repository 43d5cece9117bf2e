// Object locks at Ceph: what is part of a backup has one, whatever brought it there.
#include "store/s3_keeping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "harness/rgw.h"
#include "harness/s3_connect.h"
#include "harness/scripted_s3.h"
#include "harness/store_contract.h"
#include "harness/swift.h"

namespace pgstow::test {
namespace {

class S3Keeping : public testing::Test {
 protected:
  std::unique_ptr<S3Store> connect(const S3Server& server, const std::string& bucket) {
    S3Settings settings = s3_settings(server.address(), bucket);
    settings.lock_mode = "GOVERNANCE";
    settings.lock_days = 3;
    settings.part_bytes = 64 * 1024;
    return std::make_unique<S3Store>(settings, std::make_unique<FixedKeys>(server.admin()),
                                     context_);
  }

  // Of the object in a bucket of Ceph's; empty: none.
  std::string lock_of(const std::string& bucket, const std::string& key) const {
    const S3Reply head = rgw_.request("HEAD", "/" + bucket + "/shop/" + key);
    const auto found = head.headers.find("x-amz-object-lock-retain-until-date");
    return found == head.headers.end() ? "" : found->second.substr(0, 10);
  }
  std::string in_days(int days) const {
    return lock_time(clock_.now() + std::chrono::days(days)).substr(0, 10);
  }

  const Rgw& rgw_ = shared_rgw();
  const std::string locking_ = rgw_.make_bucket({{"x-amz-bucket-object-lock-enabled", "true"}});

 private:
  SystemClock clock_;
  Log log_{clock_, LogFormat::kText, Level::kError};
  Context context_{.log = log_, .clock = clock_, .stop = {}};
};

// Manifests are read for every list, however large they are.
TEST(KeepingHeaders, TheStorageClassIsForArchives) {
  S3Settings settings;
  settings.storage_class = "GLACIER";
  const auto has_class = [&](std::string_view key, std::uint64_t bytes) {
    const auto headers = keeping_headers(settings, key, bytes);
    return !headers.empty() && headers.front().name == "x-amz-storage-class";
  };
  EXPECT_TRUE(has_class("shop/backup_20261127_030000.dump.gz", 1'000'000));
  EXPECT_FALSE(has_class("shop/backup_20261127_030000.dump.gz", 1000));
  EXPECT_FALSE(has_class("shop/backup_20261127_030000.json", 1'000'000));
}

TEST_F(S3Keeping, WhatIsPartOfABackupIsLocked) {
  const auto store = connect(rgw_, locking_);
  put(*store, "new", "x", Existing::kRefuse);
  put(*store, "note", "x", Existing::kReplace);
  rgw_.put(locking_, "shop/damaged", "y");
  put(*store, "damaged", noise(200'000), Existing::kRenew);
  EXPECT_EQ(lock_of(locking_, "new"), in_days(3));
  EXPECT_EQ(lock_of(locking_, "note"), "");
  EXPECT_EQ(lock_of(locking_, "damaged"), in_days(3));
}

TEST_F(S3Keeping, WhatIsThereIsLocked) {
  const auto store = connect(rgw_, locking_);
  rgw_.put(locking_, "shop/there", "x");
  store->protect("there");
  EXPECT_EQ(lock_of(locking_, "there"), in_days(3));
  EXPECT_THROW(store->protect("nothing"), NotFound);
}

TEST_F(S3Keeping, WhatIsLockedIsLeftAsItIs) {
  ScriptedS3 s3;
  const auto store = connect(s3, s3.bucket());
  put(*store, "new", "x");
  store->protect("new");
  EXPECT_EQ(s3.count(Operation::kOther), 0);
}

// One server says that it can't, the other takes every wish and forgets it.
TEST_F(S3Keeping, AServerThatDoesNotLockIsFoundOut) {
  const Swift& swift = shared_swift();
  for (const S3Server* server :
       {static_cast<const S3Server*>(&rgw_), static_cast<const S3Server*>(&swift)}) {
    const std::string bucket = server->make_bucket();
    const auto store = connect(*server, bucket);
    EXPECT_THROW(put(*store, "new", "x"), Error);
    server->put(bucket, "shop/there", "x");
    EXPECT_THROW(store->protect("there"), Error);
  }
}

}  // namespace
}  // namespace pgstow::test
