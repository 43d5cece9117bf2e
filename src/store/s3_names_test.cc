// Two hosts and one name, at servers that know conditional writes, that know them differently, and
// that know none.
#include "store/s3_names.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "harness/rgw.h"
#include "harness/s3_connect.h"
#include "harness/scripted_s3.h"
#include "harness/store_contract.h"
#include "harness/swift.h"
#include "store/testing_context.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kOne = "backup_20261127_030000";
constexpr const char* kTwo = "backup_20261127_030001";

// A bucket that several hosts see.
class Hosts {
 public:
  Hosts(const S3Server& server, std::string bucket) : server_(server), bucket_(std::move(bucket)) {}
  explicit Hosts(const S3Server& server) : Hosts(server, server.make_bucket()) {}

  std::unique_ptr<S3Store> host() {
    return std::make_unique<S3Store>(s3_settings(server_.address(), bucket_),
                                     std::make_unique<FixedKeys>(server_.admin()), context_);
  }
  const std::string& bucket() const { return bucket_; }

 private:
  const S3Server& server_;
  const std::string bucket_;
  const SystemClock clock_;
  const Log log_{clock_, LogFormat::kText, Level::kError};
  const Context context_{.log = log_, .clock = clock_, .stop = {}};
};

bool takes(Store& store, const char* name) {
  try {
    store.reserve(name);
    return true;
  } catch (const Exists&) {
    return false;
  }
}

void expect_one_taker(Hosts& hosts) {
  const auto one = hosts.host();
  const auto two = hosts.host();
  EXPECT_TRUE(takes(*one, kOne));
  EXPECT_FALSE(takes(*two, kOne));
  EXPECT_TRUE(takes(*two, kTwo));
  EXPECT_FALSE(takes(*one, kTwo));
  EXPECT_FALSE(takes(*one, kOne));  // once and for all
  EXPECT_THAT(keys(*one), IsEmpty());
}

// Of many at the same moment exactly one takes each name.
void expect_a_settled_race(Hosts& hosts) {
  constexpr int kHosts = 6;
  for (int round = 0; round < 5; ++round) {
    const std::string name = fmt::format("backup_20261127_04000{}", round);
    std::atomic<int> taken{0};
    std::latch start(kHosts);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kHosts; ++i) {
        threads.emplace_back([&] {
          const auto host = hosts.host();
          start.arrive_and_wait();
          if (takes(*host, name.c_str())) ++taken;
        });
      }
    }
    EXPECT_EQ(taken, 1) << name;
  }
}

TEST(S3Names, OneTakerEachAtCeph) {
  Hosts hosts(shared_rgw());
  expect_one_taker(hosts);
  expect_a_settled_race(hosts);
}

TEST(S3Names, OneTakerEachAtAServerAsAws) {
  ScriptedS3 s3;
  Hosts hosts(s3, s3.bucket());
  expect_one_taker(hosts);
  expect_a_settled_race(hosts);
}

// It refuses conditional writes; those who do not ask in the same moment are told apart all the
// same.
TEST(S3Names, OneAfterTheOtherAtSwift) {
  Hosts hosts(shared_swift());
  expect_one_taker(hosts);
}

// The object is one, and does not grow for ever.
TEST(S3Names, LeaveOneSmallObject) {
  ScriptedS3 s3;
  Hosts hosts(s3, s3.bucket());
  const auto host = hosts.host();
  for (int i = 0; i < 100; ++i) host->reserve(fmt::format("backup_20261127_{:06}", i));
  ASSERT_EQ(s3.objects().size(), 1U);
  const std::string names = s3.objects().begin()->second.bytes;
  EXPECT_THAT(names, HasSubstr("backup_20261127_000099 "));
  EXPECT_LT(names.size(), 3000U);
  EXPECT_EQ(s3.count(Operation::kPutObject), 100);  // none was refused
}

// A write that was carried out without our hearing of it is ours, not another run's.
TEST(S3Names, ALostAnswerIsNoOtherRun) {
  ScriptedS3 s3;
  Hosts hosts(s3, s3.bucket());
  const auto host = hosts.host();
  for (const char* name : {kOne, kTwo}) {
    s3.on({Operation::kPutObject}, "reset after doing it", nth(1));
    EXPECT_TRUE(takes(*host, name));
    s3.clear();
  }
}

TEST(S3Names, WhatIsNotAnsweredIsNotTaken) {
  ScriptedS3 s3;
  Hosts hosts(s3, s3.bucket());
  const auto host = hosts.host();
  s3.on({Operation::kPutObject}, "403 AccessDenied");
  EXPECT_THROW(host->reserve(kOne), NotAllowed);
  s3.clear();
  s3.on({Operation::kPutObject}, "412 PreconditionFailed");
  EXPECT_THROW(host->reserve(kOne), Transient);
}

}  // namespace
}  // namespace pgstow::test
