#include "harness/swift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "base/error.h"
#include "harness/forked.h"

namespace pgstow::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Swift, IsAnS3ServerToAwscli) {
  const Swift& swift = shared_swift();
  const std::string bucket = swift.make_bucket();
  const TempDir folder;
  write_file(folder / "in", "hello");
  const std::string uri = "s3://" + bucket + "/a b+c";
  const Outcome up = swift.aws({"s3", "cp", folder / "in", uri});
  ASSERT_TRUE(up.ok()) << up.describe();
  EXPECT_EQ(swift.get(bucket, "a b+c"), "hello");
  EXPECT_THAT(swift.keys(bucket), ElementsAre("a b+c"));
}

TEST(Swift, ChecksSignaturesAndRegions) {
  const Swift& swift = shared_swift();
  const std::string bucket = swift.make_bucket();
  S3Keys wrong = swift.admin();
  wrong.secret_key += "x";
  const S3Reply reply = swift.request_as(wrong, "GET", "/" + bucket);
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(xml_values(reply.body, "Code"), ElementsAre("SignatureDoesNotMatch"));
  S3Address elsewhere = swift.address();
  elsewhere.region = "eu-west-1";
  EXPECT_EQ(Swift(elsewhere).request("GET", "/" + bucket).status, 400);
  EXPECT_EQ(swift.request_as(swift.limited(), "GET", "/" + bucket).status, 403);
}

TEST(Swift, HasNoConditionalWrites) {
  const Swift& swift = shared_swift();
  const std::string target = "/" + swift.make_bucket() + "/k";
  EXPECT_EQ(swift.request("PUT", target, "x", {{"If-None-Match", "*"}}).status, 501);
  EXPECT_EQ(swift.request("GET", target).status, 404);
}

TEST(Swift, JoinsParts) {
  const Swift& swift = shared_swift();
  const std::string bucket = swift.make_bucket();
  const std::string target = "/" + bucket + "/big";
  const S3Reply begun = swift.request("POST", target + "?uploads=");
  const std::string id = xml_values(begun.body, "UploadId").at(0);
  const std::string first(5 << 20, 'a');
  const S3Reply one = swift.request("PUT", target + "?partNumber=1&uploadId=" + id, first);
  const S3Reply two = swift.request("PUT", target + "?partNumber=2&uploadId=" + id, "b");
  EXPECT_THAT(swift.uploads(bucket), ElementsAre("big " + id));
  const S3Reply done = swift.request(
      "POST", target + "?uploadId=" + id,
      "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + one.headers.at("etag") +
          "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" + two.headers.at("etag") +
          "</ETag></Part></CompleteMultipartUpload>");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(swift.get(bucket, "big") == first + "b");
  EXPECT_THAT(swift.uploads(bucket), IsEmpty());
}

TEST(Swift, SpeaksHttpsWithACertificateOfItsCa) {
  const Swift& swift = shared_swift();
  const std::string health = swift.https_url() + "/healthcheck";
  EXPECT_EQ(run_ok({.argv = {"curl", "-sS", "--cacert", swift.ca(), health}}), "OK");
  EXPECT_EQ(run({.argv = {"curl", "-sS", health}}).exit_code, 60);
}

TEST(Swift, GoesWhenItsTestIsKilled) {
  Pipe pipe = make_pipe();
  Forked victim([&] {
    const Swift swift;
    write_all(pipe.write, swift.address().folder.string(), Wait{}, "pipe");
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
