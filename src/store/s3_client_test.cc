// What a request meets on its way, played by the scripted server.
#include "store/s3_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "harness/s3_connect.h"
#include "harness/scripted_s3.h"
#include "harness/store_contract.h"
#include "store/testing_context.h"

namespace pgstow::test {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// The real time, and what was slept.
class CountingClock final : public Clock {
 public:
  Time now() const override { return system_.now(); }
  void sleep(std::chrono::milliseconds duration, const std::stop_token& stop) const override {
    check_stop(stop);
    const std::lock_guard lock(mutex_);
    slept.push_back(duration);
  }
  mutable std::vector<std::chrono::milliseconds> slept;  // to be read when all threads are done

 private:
  mutable std::mutex mutex_;
  SystemClock system_;
};

// Keys that are exchanged when a server refuses them.
class TwoKeys final : public Credentials {
 public:
  TwoKeys(AwsKeys old, AwsKeys fresh) : now_(std::move(old)), fresh_(std::move(fresh)) {}
  AwsKeys keys() override { return now_; }
  bool renew(const AwsKeys& refused) override {
    if (refused == fresh_) return false;
    now_ = fresh_;
    ++renewals;
    return true;
  }
  int renewals = 0;

 private:
  AwsKeys now_;
  AwsKeys fresh_;
};

// Keys for two requests that begin at once: the first two who ask wait for each other.
class KeysForTwo final : public Credentials {
 public:
  explicit KeysForTwo(const S3Keys& keys) : keys_(keys) {}
  AwsKeys keys() override {
    if (asked_++ < 2) both_.arrive_and_wait();
    return keys_.keys();
  }
  bool renew(const AwsKeys&) override { return false; }

 private:
  FixedKeys keys_;
  std::atomic<int> asked_ = 0;
  std::barrier<> both_{2};
};

// A port whose queue of connections is full: further ones are not answered.
class FullQueue {
 public:
  FullQueue() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    auto* const at = reinterpret_cast<sockaddr*>(&address_);
    if (::bind(listening_.get(), at, size) != 0 || ::listen(listening_.get(), 0) != 0 ||
        ::getsockname(listening_.get(), at, &size) != 0) {
      throw Error("no port to listen at");
    }
    for (Fd& waiting : waiting_) {
      waiting = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(waiting.get(), at, size));
    }
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", ntohs(address_.sin_port)); }

 private:
  Fd listening_;
  sockaddr_in address_{};
  std::array<Fd, 4> waiting_;
};

class S3ClientTest : public testing::Test {
 protected:
  S3ClientTest() { s3_.put(s3_.bucket(), "shop/seed", "seed"); }

  S3Settings settings() const {
    S3Settings settings = s3_settings(s3_.address(), s3_.bucket());
    settings.stall = std::chrono::seconds(1);
    settings.attempts = 5;
    return settings;
  }
  std::unique_ptr<S3Store> connect(std::unique_ptr<Credentials> keys) {
    return std::make_unique<S3Store>(settings(), std::move(keys), context_);
  }
  std::unique_ptr<S3Store> connect() { return connect(std::make_unique<FixedKeys>(s3_.admin())); }
  std::string problem_of(Store& store) {
    try {
      static_cast<void>(read_object(store, "seed"));
    } catch (const Error& e) {
      return std::string(e.what()) + " | " + e.hint();
    }
    return "none";
  }

  CountingClock clock_;
  Log log_{clock_, LogFormat::kText, Level::kError};
  Context context_{.log = log_, .clock = clock_, .stop = {}};
  ScriptedS3 s3_;
};

TEST_F(S3ClientTest, FollowsTheBucketToItsRegion) {
  s3_.set_region("eu-west-3");
  const auto store = connect();
  EXPECT_EQ(read_object(*store, "seed"), "seed");
  EXPECT_EQ(read_object(*store, "seed"), "seed");
  EXPECT_EQ(s3_.count(Operation::kGetObject), 3);  // it is asked once
  EXPECT_THAT(clock_.slept, SizeIs(0));
}

// Both are signed for the old region before one of them learns of the new one.
TEST_F(S3ClientTest, TwoRequestsAtOnceFollowTheBucketToItsRegion) {
  s3_.set_region("eu-west-3");
  const auto store = connect(std::make_unique<KeysForTwo>(s3_.admin()));
  std::array<std::string, 2> read;
  {
    const std::jthread other([&] { read[0] = problem_of(*store); });
    read[1] = problem_of(*store);
  }
  EXPECT_THAT(read, Each(std::string("none")));
}

TEST_F(S3ClientTest, FollowsARedirectOnce) {
  s3_.on({Operation::kGetObject}, "307 to another port", nth(1));
  EXPECT_EQ(read_object(*connect(), "seed"), "seed");
  s3_.on({Operation::kGetObject}, "307 to itself");
  EXPECT_THAT(problem_of(*connect()), HasSubstr("307"));
}

TEST_F(S3ClientTest, SignsByTheServersClock) {
  s3_.set_clock_offset(std::chrono::hours(30));
  const auto store = connect();
  EXPECT_EQ(read_object(*store, "seed"), "seed");
  s3_.set_clock_offset(-std::chrono::hours(30));
  EXPECT_EQ(read_object(*store, "seed"), "seed");
}

TEST_F(S3ClientTest, ExchangesKeysThatAreRefused) {
  const AwsKeys old{.access_key_id = "old",
                    .secret_access_key = "canary-secret",
                    .session_token = {},
                    .expires = {}};
  auto keys = std::make_unique<TwoKeys>(old, FixedKeys(s3_.admin()).keys());
  const TwoKeys& watched = *keys;
  const auto store = connect(std::move(keys));
  EXPECT_EQ(read_object(*store, "seed"), "seed");
  EXPECT_EQ(watched.renewals, 1);
  const std::string problem = problem_of(*connect(std::make_unique<TwoKeys>(old, old)));
  EXPECT_THAT(problem, AllOf(HasSubstr("InvalidAccessKeyId"), Not(HasSubstr("canary"))));
}

TEST_F(S3ClientTest, WaitsLongerEachTimeAndAsLongAsItIsAsked) {
  s3_.on({Operation::kGetObject}, "503 SlowDown", first(4));
  EXPECT_EQ(read_object(*connect(), "seed"), "seed");
  ASSERT_THAT(clock_.slept, SizeIs(4));
  EXPECT_THAT(clock_.slept, Each(Ge(std::chrono::milliseconds(50))));
  EXPECT_GE(clock_.slept[3], std::chrono::milliseconds(400));
  clock_.slept.clear();
  s3_.clear();
  s3_.on({Operation::kGetObject}, "429 TooManyRequests, Retry-After", nth(1));
  EXPECT_EQ(read_object(*connect(), "seed"), "seed");
  EXPECT_THAT(clock_.slept, Each(Ge(std::chrono::seconds(1))));
}

TEST_F(S3ClientTest, GivesUpInTheEnd) {
  s3_.on({Operation::kGetObject}, "500 InternalError");
  EXPECT_THAT(problem_of(*connect()), HasSubstr("500 InternalError"));
  EXPECT_EQ(s3_.count(Operation::kGetObject), 5);
  s3_.clear();
  s3_.on({Operation::kGetObject}, "reset before the reply");
  EXPECT_THAT(problem_of(*connect()), HasSubstr("5 tries"));
}

// What goes elsewhere does not wait for it: a port where nobody listens, like a host that is away.
// The pauses are random: whatever they are, the word of it comes and the patience is the same.
TEST_F(S3ClientTest, AServerThatHasNeverAnsweredIsGivenUpSoon) {
  S3Settings away = settings();
  away.endpoint = "http://127.0.0.1:1";
  away.attempts = 100;
  for (int round = 0; round < 200 && !HasFailure(); ++round) {
    TestContext world;
    S3Store store(away, std::make_unique<FixedKeys>(s3_.admin()), world.context());
    const auto lost = [&](const std::function<void()>& step) {
      const Time before = world.clock.now();
      EXPECT_THROW(step(), Transient);
      return world.clock.now() - before;
    };
    const auto list = [&] { static_cast<void>(store.list("")); };
    EXPECT_EQ(lost(list), std::chrono::seconds(15));
    EXPECT_THAT(world.logged(), HasSubstr("s3 does not answer, trying again for another "));
    const std::size_t said = world.logged().size();
    EXPECT_EQ(lost(list), std::chrono::seconds(0));
    EXPECT_EQ(lost([&] { store.clear_leftovers(); }), std::chrono::seconds(0));
    EXPECT_EQ(world.logged().size(), said);
    world.clock.advance(std::chrono::minutes(1));  // a service asks again by its next job
    EXPECT_EQ(lost(list), std::chrono::seconds(15));
  }
}

TEST_F(S3ClientTest, OneThatHasAnsweredOnceIsWaitedForAsConfigured) {
  TestContext world;
  auto server = std::make_unique<ScriptedS3>();
  server->put(server->bucket(), "shop/seed", "seed");
  S3Settings patient = s3_settings(server->address(), server->bucket());
  S3Store store(patient, std::make_unique<FixedKeys>(server->admin()), world.context());
  world.clock.advance(std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::system_clock::now() - world.clock.now()));
  EXPECT_EQ(read_object(store, "seed"), "seed");
  server.reset();
  const Time before = world.clock.now();
  EXPECT_THAT(problem_of(store), HasSubstr("10 tries"));
  EXPECT_GT(world.clock.now() - before, std::chrono::seconds(15));
  world.clock.advance(std::chrono::hours(2));  // the next run of a service
  const Time next = world.clock.now();
  EXPECT_THROW(static_cast<void>(store.list("")), Transient);
  EXPECT_LE(world.clock.now() - next, std::chrono::seconds(15));
}

// Nobody accepts there: the connection is never made.
TEST_F(S3ClientTest, ATimeoutOfTheConnectionIsToldFromAReplyThatIsLate) {
  HttpClient http({.connect_timeout = std::chrono::seconds(1), .stall = std::chrono::seconds(1)});
  const FullQueue nobody;
  EXPECT_THROW(http.send({.method = "GET", .url = nobody.url(), .headers = {}, .body = {}}, {}),
               NoConnection);
  s3_.on({Operation::kGetObject}, "silence");
  try {
    http.send({.method = "GET", .url = s3_.url() + "/backups/shop/seed", .headers = {}, .body = {}},
              {});
    FAIL() << "it was answered";
  } catch (const Transient& e) {
    EXPECT_EQ(dynamic_cast<const NoConnection*>(&e), nullptr) << e.what();
  }
}

// One client's life: the names can't be looked up for a while, then they can.
TEST_F(S3ClientTest, ANameThatIsNotFoundSpoilsNothing) {
  HttpClient http({.connect_timeout = std::chrono::seconds(5), .stall = std::chrono::seconds(5)});
  const HttpRequest lost{
      .method = "GET", .url = "http://no-such-host.invalid:1/", .headers = {}, .body = {}};
  for (int i = 0; i < 3; ++i) EXPECT_THROW(http.send(lost, {}), Transient) << i;
  EXPECT_GT(
      http.send({.method = "GET", .url = s3_.url() + "/", .headers = {}, .body = {}}, {}).status,
      0);
}

TEST_F(S3ClientTest, ErrorsTellWhatToDo) {
  s3_.on({Operation::kGetObject}, "403 AccessDenied");
  EXPECT_THAT(problem_of(*connect()),
              AllOf(HasSubstr("s3://backups/shop/seed"), HasSubstr("403 AccessDenied"),
                    HasSubstr("s3:GetObject")));
  EXPECT_EQ(s3_.count(Operation::kGetObject), 1);  // no use in trying again
}

// No right would help to read what lies in an archive class.
TEST_F(S3ClientTest, WhatLiesInAnArchiveIsNoMatterOfRights) {
  s3_.on({Operation::kGetObject},
         replying("archived", error_reply(403, "InvalidObjectState", "as scripted")));
  EXPECT_THAT(problem_of(*connect()),
              AllOf(HasSubstr("restore-object"), Not(HasSubstr("s3:GetObject"))));
  try {
    static_cast<void>(read_object(*connect(), "seed"));
  } catch (const Error& e) {
    EXPECT_EQ(dynamic_cast<const NotAllowed*>(&e), nullptr);
  }
}

TEST_F(S3ClientTest, AStopEndsARequestThatHangs) {
  std::stop_source stop;
  context_.stop = stop.get_token();
  s3_.on({Operation::kGetObject}, "silence");
  const auto store = connect();
  std::jthread stopping([&] {
    s3_.await(Operation::kGetObject, 1);
    stop.request_stop();
  });
  EXPECT_THROW(static_cast<void>(read_object(*store, "seed")), Cancelled);
}

// What the 500s and 503s of a fifth of all requests do to a hundred backups of ten parts.
TEST_F(S3ClientTest, AHundredBackupsAtABadServer) {
  ScriptedS3 bad({.rules = {.least_part_bytes = 1024}});
  bad.on({}, "500 InternalError", sometimes(0.1, 1));
  bad.on({}, "503 SlowDown", sometimes(0.11, 2));
  S3Settings settings = s3_settings(bad.address(), bad.bucket());
  settings.part_bytes = 20'000;
  S3Store store(settings, std::make_unique<FixedKeys>(bad.admin()), context_);
  const std::string archive = noise(195'000, 5);
  int good = 0;
  for (int i = 0; i < 100; ++i) {
    try {
      put(store, fmt::format("backup_{}.dump.gz", i), archive);
      put(store, fmt::format("backup_{}.json", i), "manifest");
      ++good;
    } catch (const Error& e) {
      fmt::print("backup {}: {}\n", i, e.what());
    }
  }
  const int failed = bad.played("500 InternalError") + bad.played("503 SlowDown");
  fmt::print("{} of 100 backups good, {} of {} requests failed\n", good, failed,
             bad.requests().size());
  EXPECT_GE(good, 99);
  EXPECT_GE(failed * 6, static_cast<int>(bad.requests().size()));
  bad.clear();
  EXPECT_THAT(store.list("backup_"), SizeIs(2 * good));
  EXPECT_THAT(bad.open_uploads(), SizeIs(0));
}

}  // namespace
}  // namespace pgstow::test
