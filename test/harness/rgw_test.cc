#include "harness/rgw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "base/error.h"
#include "harness/forked.h"

namespace pgstow::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Rgw, IsAnS3ServerToAwscli) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  const TempDir folder;
  write_file(folder / "in", "hello");
  const std::string uri = "s3://" + bucket + "/a b+c";
  const Outcome up = rgw.aws({"s3", "cp", folder / "in", uri});
  ASSERT_TRUE(up.ok()) << up.describe();
  const Outcome down = rgw.aws({"s3", "cp", uri, folder / "out"});
  ASSERT_TRUE(down.ok()) << down.describe();
  EXPECT_EQ(read_file(folder / "out"), "hello");
  EXPECT_EQ(rgw.get(bucket, "a b+c"), "hello");
  EXPECT_THAT(rgw.keys(bucket), ElementsAre("a b+c"));
}

TEST(Rgw, ChecksSignatures) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  S3Keys wrong = rgw.admin();
  wrong.secret_key += "x";
  const S3Reply reply = rgw.request_as(wrong, "GET", "/" + bucket);
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(xml_values(reply.body, "Code"), ElementsAre("SignatureDoesNotMatch"));
}

TEST(Rgw, SpeaksHttpsWithACertificateOfItsCa) {
  const Rgw& rgw = shared_rgw();
  const std::string port = rgw.https_url().substr(rgw.https_url().rfind(':') + 1);
  run_ok({.argv = {"curl", "-sS", "--cacert", rgw.ca(), rgw.https_url()}});
  run_ok({.argv = {"curl", "-sS", "--cacert", rgw.ca(), "--resolve",
                   "b.s3.test:" + port + ":127.0.0.1", "https://b.s3.test:" + port}});
  EXPECT_EQ(run({.argv = {"curl", "-sS", rgw.https_url()}}).exit_code, 60);
}

TEST(Rgw, HasAUserWhoMayNotDelete) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  EXPECT_EQ(rgw.request_as(rgw.limited(), "PUT", "/" + bucket + "/k", "x").status, 403);
  rgw.set_policy(bucket, allow_policy(bucket, {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}));
  EXPECT_EQ(rgw.request_as(rgw.limited(), "PUT", "/" + bucket + "/k", "x").status, 200);
  EXPECT_EQ(rgw.request_as(rgw.limited(), "GET", "/" + bucket + "/k").body, "x");
  EXPECT_EQ(rgw.request_as(rgw.limited(), "DELETE", "/" + bucket + "/k").status, 403);
  EXPECT_THAT(rgw.keys(bucket), ElementsAre("k"));
  EXPECT_THROW(rgw.set_policy(bucket, "no policy"), Error);
}

TEST(Rgw, GivesKeysThatExpire) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  S3Keys keys = rgw.temporary_keys();
  EXPECT_EQ(rgw.request_as(keys, "PUT", "/" + bucket + "/k", "x").status, 200);
  keys.session_token.clear();
  EXPECT_EQ(rgw.request_as(keys, "GET", "/" + bucket + "/k").status, 403);
}

TEST(Rgw, TakesTinyParts) {
  const Rgw& rgw = shared_rgw();
  const std::string target = "/" + rgw.make_bucket() + "/big";
  const std::string bucket = target.substr(1, target.find('/', 1) - 1);
  const S3Reply begun = rgw.request("POST", target + "?uploads=");
  const std::string id = xml_values(begun.body, "UploadId").at(0);
  const std::string first(1024, 'a');
  const S3Reply one = rgw.request("PUT", target + "?partNumber=1&uploadId=" + id, first);
  const S3Reply two = rgw.request("PUT", target + "?partNumber=2&uploadId=" + id, "b");
  EXPECT_THAT(rgw.uploads(bucket), ElementsAre("big " + id));
  const S3Reply done = rgw.request(
      "POST", target + "?uploadId=" + id,
      "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + one.headers.at("etag") +
          "</ETag></Part><Part><PartNumber>2</PartNumber>" + "<ETag>" + two.headers.at("etag") +
          "</ETag></Part>" + "</CompleteMultipartUpload>");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(rgw.get(bucket, "big"), first + "b");
  EXPECT_THAT(rgw.uploads(bucket), IsEmpty());
}

TEST(Rgw, CountsRequests) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  rgw.put(bucket, "k", "x");
  rgw.put(bucket, "k", "y");
  // The gateway answers before it logs.
  while (rgw.requests("PUT", "/" + bucket + "/k") < 2) std::this_thread::yield();
  EXPECT_EQ(rgw.requests("PUT", "/" + bucket + "/k"), 2);
  EXPECT_EQ(rgw.requests("GET", "/" + bucket + "/k"), 0);
}

TEST(Rgw, HasStorageClassesAndObjectLock) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket({{"x-amz-bucket-object-lock-enabled", "true"}});
  const S3Reply put =
      rgw.request("PUT", "/" + bucket + "/k", "x",
                  {{"x-amz-storage-class", "STANDARD_IA"},
                   {"x-amz-object-lock-mode", "GOVERNANCE"},
                   {"x-amz-object-lock-retain-until-date", "2199-01-01T00:00:00Z"}});
  EXPECT_EQ(put.status, 200) << put.body;
  const S3Reply head = rgw.request("HEAD", "/" + bucket + "/k");
  EXPECT_EQ(head.headers.at("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_EQ(head.headers.at("x-amz-object-lock-mode"), "GOVERNANCE");
}

TEST(Rgw, SharedOneIsNotStopped) {
  Rgw view(shared_rgw().address());
  EXPECT_THROW(view.kill(), Error);
}

TEST(Rgw, OwnOneCanBeStoppedAndHasMoreGateways) {
  Rgw rgw;
  const std::string bucket = rgw.make_bucket();
  rgw.put(bucket, "k", "x");
  Gateway other = rgw.gateway({"rgw_max_concurrent_requests = 2"});
  rgw.kill();
  EXPECT_THROW(rgw.request("GET", "/" + bucket + "/k"), Error);
  EXPECT_EQ(run({.argv = {"curl", "-s", other.url()}}).exit_code, 0);
  EXPECT_THAT(other.requests(), Contains(HasSubstr("GET / HTTP/1.1\" 200")));
  rgw.restart();
  EXPECT_EQ(rgw.get(bucket, "k"), "x");
  rgw.pause();
  const Program get{.argv = {"curl", "-sS", rgw.url()}};
  Running waiting(get);
  EXPECT_NE(run({.argv = {"curl", "-sS", "--max-time", "1", rgw.url()}}).exit_code, 0);
  EXPECT_FALSE(waiting.ended());
  rgw.resume();
  EXPECT_TRUE(waiting.wait().ok());
}

TEST(Rgw, SaysWhyItCouldNotStart) {
  try {
    const Rgw rgw({.settings = {"rgw_zone = nowhere"}});
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("nowhere"));
  }
}

TEST(Rgw, GoesWhenItsTestIsKilled) {
  Pipe pipe = make_pipe();
  Forked victim([&] {
    const Rgw rgw;
    write_all(pipe.write, rgw.address().folder.string(), Wait{}, "pipe");
    return ::pause();
  });
  pipe.write.reset();
  std::string folder(200, '\0');
  folder.resize(read_some(pipe.read, folder, Wait{}, "pipe"));
  ASSERT_TRUE(std::filesystem::exists(folder));
  victim.kill();
  victim.wait();
  // The case's time limit is ctest's: what lives on makes it fail there.
  while (std::filesystem::exists(folder)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(run({.argv = {"pgrep", "-f", folder}}).exit_code, 1);
}

}  // namespace
}  // namespace pgstow::test
