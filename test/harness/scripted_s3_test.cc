#include "harness/scripted_s3.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace pgstow::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string code_of(const S3Reply& reply) {
  const std::vector<std::string> codes = xml_values(reply.body, "Code");
  return std::to_string(reply.status) + (codes.empty() ? "" : " " + codes[0]);
}

// A server whose parts may be small and whose pages are short.
class ScriptedS3Test : public testing::Test {
 protected:
  std::string target(const std::string& key) const { return "/" + s3_.bucket() + "/" + key; }
  S3Reply send(const std::string& method, const std::string& key, const std::string& body = {},
               const S3Headers& headers = {}) const {
    return s3_.request(method, target(key), body, headers);
  }
  std::string create(const std::string& key) const {
    return xml_values(send("POST", key + "?uploads=").body, "UploadId").at(0);
  }
  std::string upload(const std::string& key, const std::string& id, int number,
                     const std::string& bytes) const {
    const std::string part = key + "?partNumber=" + std::to_string(number) + "&uploadId=" + id;
    return send("PUT", part, bytes).headers.at("etag");
  }
  S3Reply complete(const std::string& key, const std::string& id,
                   const std::vector<std::pair<int, std::string>>& parts,
                   const S3Headers& headers = {}) const {
    std::string xml = "<CompleteMultipartUpload>";
    for (const auto& [number, etag] : parts) {
      xml += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
             "</ETag></Part>";
    }
    return send("POST", key + "?uploadId=" + id, xml + "</CompleteMultipartUpload>", headers);
  }

  ScriptedS3 s3_{{.rules = {.least_part_bytes = 4, .page_size = 2},
                  .trickle_pause = std::chrono::milliseconds(1)}};
};

TEST(ScriptedS3, IsAnS3ServerToAwscli) {
  const ScriptedS3 s3;
  const TempDir folder;
  const std::string big(20 << 20, 'x');  // awscli makes parts of 8 MiB
  write_file(folder / "small", "hello");
  write_file(folder / "big", big);
  const std::string uri = "s3://" + s3.bucket() + "/a b+c";
  const Outcome up = s3.aws({"s3", "cp", "--recursive", folder.path(), uri});
  ASSERT_TRUE(up.ok()) << up.describe();
  EXPECT_EQ(s3.objects().at("a b+c/small").bytes, "hello");
  EXPECT_TRUE(s3.objects().at("a b+c/big").bytes == big);
  EXPECT_EQ(s3.count(Operation::kUploadPart), 3);
  const Outcome down = s3.aws({"s3", "cp", "--recursive", uri, folder / "back"});
  ASSERT_TRUE(down.ok()) << down.describe();
  EXPECT_EQ(read_file(folder / "back/small"), "hello");
  EXPECT_TRUE(read_file(folder / "back/big") == big);
  EXPECT_THAT(s3.open_uploads(), IsEmpty());
}

TEST_F(ScriptedS3Test, ChecksWhoSpeaks) {
  S3Keys wrong = s3_.admin();
  wrong.secret_key += "x";
  EXPECT_EQ(code_of(s3_.request_as(wrong, "GET", target("k"))), "403 SignatureDoesNotMatch");
  wrong.access_key += "x";
  EXPECT_EQ(code_of(s3_.request_as(wrong, "GET", target("k"))), "403 InvalidAccessKeyId");
  s3_.set_region("eu-west-1");
  const S3Reply elsewhere = send("GET", "k");
  EXPECT_EQ(code_of(elsewhere), "400 AuthorizationHeaderMalformed");
  EXPECT_THAT(xml_values(elsewhere.body, "Region"), ElementsAre("eu-west-1"));
  s3_.clear();
  s3_.set_clock_offset(std::chrono::minutes(16));
  EXPECT_EQ(code_of(send("GET", "k")), "403 RequestTimeTooSkewed");
  s3_.set_clock_offset(std::chrono::minutes(14));
  EXPECT_EQ(code_of(send("GET", "k")), "404 NoSuchKey");
  s3_.set_keys({"temporary", "secret", "token"});
  EXPECT_EQ(code_of(send("GET", "k")), "403 InvalidAccessKeyId");
  EXPECT_EQ(code_of(s3_.request_as({"temporary", "secret", "token"}, "GET", target("k"))),
            "404 NoSuchKey");
  EXPECT_EQ(code_of(s3_.request_as({"temporary", "secret", ""}, "GET", target("k"))),
            "400 InvalidToken");
  const Outcome unsigned_one = run({.argv = {"curl", "-sS", s3_.url() + target("k")}});
  EXPECT_THAT(unsigned_one.out, HasSubstr("AccessDenied"));
}

TEST_F(ScriptedS3Test, ChecksDigests) {
  EXPECT_EQ(code_of(send("PUT", "k", "bytes", {{"Content-MD5", md5_base64("others")}})),
            "400 BadDigest");
  EXPECT_EQ(code_of(send("PUT", "k", "bytes", {{"Content-MD5", md5_base64("bytes")}})), "200");
  // The signature covers the digest of other bytes than those that are sent.
  S3Headers headers = {{"Host", s3_.url().substr(7)}};
  sign(headers,
       {.method = "PUT",
        .path = target("k"),
        .query = {},
        .headers = {},
        .payload_hash = {},
        .time = {},
        .region = s3_.region()},
       "bytes", s3_.admin());
  Program curl{.argv = {"curl", "-sS", "-X", "PUT", "--data-binary", "other"}};
  for (const auto& [name, value] : headers) {
    curl.argv.insert(curl.argv.end(), {"-H", fmt::format("{}: {}", name, value)});
  }
  curl.argv.push_back(s3_.url() + target("k"));
  EXPECT_THAT(run(curl).out, HasSubstr("XAmzContentSHA256Mismatch"));
  EXPECT_EQ(s3_.objects().at("k").bytes, "bytes");
}

TEST_F(ScriptedS3Test, KeepsObjectsAndWhatBelongsToThem) {
  const S3Reply put = send("PUT", "k", "0123456789",
                           {{"x-amz-meta-sha256", "abc"},
                            {"x-amz-storage-class", "STANDARD_IA"},
                            {"x-amz-tagging", "a=b"},
                            {"x-amz-object-lock-mode", "GOVERNANCE"},
                            {"x-amz-object-lock-retain-until-date", "2199-01-01T00:00:00Z"},
                            {"Content-MD5", md5_base64("0123456789")}});
  EXPECT_EQ(put.headers.at("etag"), '"' + md5_hex("0123456789") + '"');
  const S3Reply head = send("HEAD", "k");
  EXPECT_EQ(head.headers.at("content-length"), "10");
  EXPECT_EQ(head.headers.at("x-amz-meta-sha256"), "abc");
  EXPECT_EQ(head.headers.at("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_EQ(head.headers.at("x-amz-object-lock-mode"), "GOVERNANCE");
  EXPECT_EQ(s3_.objects().at("k").headers.at("x-amz-tagging"), "a=b");
  EXPECT_EQ(send("DELETE", "k").status, 204);
  EXPECT_EQ(send("DELETE", "k").status, 204);
  EXPECT_EQ(send("HEAD", "k").status, 404);
  EXPECT_EQ(code_of(send("PUT", "k", "", {{"x-amz-object-lock-mode", "GOVERNANCE"}})),
            "400 InvalidRequest");
  EXPECT_EQ(code_of(s3_.request("GET", "/nowhere/k")), "404 NoSuchBucket");
  EXPECT_EQ(code_of(send("POST", "k?restore=")), "501 NotImplemented");
}

TEST_F(ScriptedS3Test, ReadsRangesAndHearsConditions) {
  const std::string etag = send("PUT", "k", "0123456789").headers.at("etag");
  const auto range = [&](const std::string& text) {
    const S3Reply reply = send("GET", "k", "", {{"Range", text}, {"If-Match", etag}});
    const auto at = reply.headers.find("content-range");
    return reply.status == 206 ? reply.body + " " + at->second : code_of(reply);
  };
  EXPECT_EQ(range("bytes=2-4"), "234 bytes 2-4/10");
  EXPECT_EQ(range("bytes=7-"), "789 bytes 7-9/10");
  EXPECT_EQ(range("bytes=7-99"), "789 bytes 7-9/10");
  EXPECT_EQ(range("bytes=-3"), "789 bytes 7-9/10");
  EXPECT_EQ(range("bytes=10-"), "416 InvalidRange");
  EXPECT_EQ(code_of(send("GET", "k", "", {{"If-Match", "\"other\""}})), "412 PreconditionFailed");
  EXPECT_EQ(code_of(send("PUT", "k", "x", {{"If-None-Match", "*"}})), "412 PreconditionFailed");
  EXPECT_EQ(code_of(send("PUT", "new", "x", {{"If-None-Match", "*"}})), "200");
}

TEST_F(ScriptedS3Test, JoinsParts) {
  const std::string id = create("big");
  const std::string one = upload("big", id, 1, "first ");
  const std::string two = upload("big", id, 7, "second");
  EXPECT_EQ(code_of(complete("big", id, {{7, two}, {1, one}})), "400 InvalidPartOrder");
  EXPECT_EQ(code_of(complete("big", id, {{1, two}})), "400 InvalidPart");
  EXPECT_EQ(code_of(complete("big", id, {})), "400 MalformedXML");
  s3_.put(s3_.bucket(), "big", "there already");
  EXPECT_EQ(code_of(complete("big", id, {{1, one}, {7, two}}, {{"If-None-Match", "*"}})),
            "412 PreconditionFailed");
  const S3Reply done = complete("big", id, {{1, one}, {7, two}});
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(s3_.get(s3_.bucket(), "big"), "first second");
  // The MD5 of both parts' MD5s in binary, by another program.
  EXPECT_THAT(xml_values(done.body, "ETag"), ElementsAre("\"6f8ef22172eb5877141d8bf51be87ab1-2\""));
  EXPECT_EQ(code_of(complete("big", id, {{1, one}, {7, two}})), "404 NoSuchUpload");
}

TEST_F(ScriptedS3Test, RefusesSmallPartsAndForgetsAbortedUploads) {
  const std::string id = create("big");
  const std::string one = upload("big", id, 1, "tin");
  const std::string two = upload("big", id, 2, "y");
  EXPECT_EQ(code_of(complete("big", id, {{1, one}, {2, two}})), "400 EntityTooSmall");
  EXPECT_THAT(s3_.open_uploads().at(id).parts, SizeIs(2));
  EXPECT_EQ(send("DELETE", "big?uploadId=" + id).status, 204);
  EXPECT_EQ(code_of(send("DELETE", "big?uploadId=" + id)), "404 NoSuchUpload");
  EXPECT_EQ(code_of(send("PUT", "big?partNumber=1&uploadId=" + id, "x")), "404 NoSuchUpload");
  EXPECT_THAT(s3_.objects(), IsEmpty());
}

TEST_F(ScriptedS3Test, ListsInPages) {
  for (const char* key : {"b/1", "b/2", "b/3", "a", "b&c"}) s3_.put(s3_.bucket(), key, "x");
  const std::string list = "?list-type=2&prefix=b%2F";
  const S3Reply first = s3_.request("GET", "/" + s3_.bucket() + list);
  EXPECT_THAT(xml_values(first.body, "Key"), ElementsAre("b/1", "b/2"));
  EXPECT_THAT(xml_values(first.body, "IsTruncated"), ElementsAre("true"));
  const std::string token = xml_values(first.body, "NextContinuationToken").at(0);
  const S3Reply second =
      s3_.request("GET", "/" + s3_.bucket() + list + "&continuation-token=" + token);
  EXPECT_THAT(xml_values(second.body, "Key"), ElementsAre("b/3"));
  EXPECT_THAT(xml_values(second.body, "IsTruncated"), ElementsAre("false"));
  const S3Reply folded = s3_.request("GET", "/" + s3_.bucket() + "?list-type=2&delimiter=%2F");
  EXPECT_THAT(xml_values(folded.body, "Key"), ElementsAre("a", "b&c"));
  EXPECT_EQ(code_of(s3_.request("GET", "/" + s3_.bucket() + list + "&continuation-token=x")),
            "400 InvalidArgument");
}

TEST_F(ScriptedS3Test, ListsUploadsAndPartsInPages) {
  std::vector<std::string> ids;
  for (const char* key : {"a", "b", "b"}) ids.push_back(create(key));
  const std::string list = "/" + s3_.bucket() + "?uploads=";
  const S3Reply first = s3_.request("GET", list);
  EXPECT_THAT(xml_values(first.body, "UploadId"), ElementsAre(ids[0], ids[1]));
  const S3Reply second = s3_.request("GET", list + "&key-marker=b&upload-id-marker=" +
                                                xml_values(first.body, "NextUploadIdMarker").at(0));
  EXPECT_THAT(xml_values(second.body, "UploadId"), ElementsAre(ids[2]));
  EXPECT_THAT(xml_values(second.body, "IsTruncated"), ElementsAre("false"));
  for (int number : {1, 2, 3}) upload("a", ids[0], number, "x");
  const std::string parts = "a?uploadId=" + ids[0];
  EXPECT_THAT(xml_values(send("GET", parts).body, "PartNumber"), ElementsAre("1", "2"));
  EXPECT_THAT(xml_values(send("GET", parts + "&part-number-marker=2").body, "PartNumber"),
              ElementsAre("3"));
}

TEST_F(ScriptedS3Test, FindsTheBucketInTheHost) {
  s3_.put(s3_.bucket(), "k", "bytes");
  const std::string port = s3_.url().substr(s3_.url().rfind(':') + 1);
  const std::string host = s3_.bucket() + ".s3.test:" + port;
  S3Headers headers = {{"Host", host}};
  sign(headers,
       {.method = "GET",
        .path = "/k",
        .query = {},
        .headers = {},
        .payload_hash = {},
        .time = {},
        .region = s3_.region()},
       "", s3_.admin());
  Program curl{.argv = {"curl", "-sS", "--resolve", host + ":127.0.0.1"}};
  for (const auto& [name, value] : headers) {
    curl.argv.insert(curl.argv.end(), {"-H", fmt::format("{}: {}", name, value)});
  }
  curl.argv.push_back("http://" + host + "/k");
  EXPECT_EQ(run(curl).out, "bytes");
}

TEST_F(ScriptedS3Test, PlaysRulesWhenTheyAreDue) {
  s3_.on({Operation::kPutObject, "app/"}, "503 SlowDown", nth(2));
  s3_.on({Operation::kGetObject}, "403 AccessDenied", after(1));
  EXPECT_EQ(send("PUT", "other", "x").status, 200);
  EXPECT_EQ(send("PUT", "app/1", "x").status, 200);
  EXPECT_EQ(code_of(send("PUT", "app/2", "x")), "503 SlowDown");
  EXPECT_EQ(send("PUT", "app/2", "x").status, 200);
  EXPECT_EQ(send("GET", "other").status, 200);
  EXPECT_EQ(send("GET", "other").status, 403);
  EXPECT_EQ(send("GET", "other").status, 403);
  s3_.clear();
  EXPECT_EQ(send("GET", "other").status, 200);
  EXPECT_EQ(s3_.count(Operation::kPutObject), 4);
  EXPECT_EQ(s3_.played("403 AccessDenied"), 2);
  EXPECT_EQ(s3_.requests().at(2).behaviour, "503 SlowDown");
  EXPECT_EQ(s3_.requests().at(2).head.header("content-length"), "1");
  EXPECT_THROW(s3_.on({Operation::kGetObject}, "loses the last part"), Error);
  EXPECT_THROW(s3_.on({}, "no such thing"), Error);
}

TEST_F(ScriptedS3Test, ChanceIsTheSameForTheSameSeed) {
  const auto outcomes = [](unsigned seed) {
    ScriptedS3 s3;
    s3.on({}, "500 InternalError", sometimes(0.5, seed));
    std::vector<int> all;
    all.reserve(8);
    for (int i = 0; i < 8; ++i) all.push_back(s3.request("GET", "/backups/k").status);
    return all;
  };
  EXPECT_EQ(outcomes(1), outcomes(1));
  EXPECT_NE(outcomes(1), outcomes(2));
}

TEST_F(ScriptedS3Test, CountsWhatIsUnderWayTogether) {
  s3_.on({Operation::kGetObject}, "silence");
  {
    const std::string url = s3_.url() + target("k");
    const Running one({.argv = {"curl", "-sS", url}});
    const Running two({.argv = {"curl", "-sS", url}});
    s3_.await(Operation::kGetObject, 2);
    EXPECT_FALSE(one.ended());
  }
  EXPECT_EQ(s3_.most_at_once(), 2);
}

// As a test that fails half-way would leave it: clients that wait, or neither read nor go away.
TEST(ScriptedS3, EndsWithStuckConnections) {
  std::vector<Running> clients;
  {
    ScriptedS3 s3;
    for (const char* what : {"silence", "endless body", "reply in a trickle", "endless headers"}) {
      s3.on({Operation::kGetObject}, what, nth(static_cast<int>(clients.size()) + 1));
      clients.emplace_back(
          Program{.argv = {"curl", "-sS", "-o", "/dev/null", s3.url() + "/backups/k"}});
      s3.await(Operation::kGetObject, static_cast<int>(clients.size()));
      clients.back().signal(SIGSTOP);
    }
  }
  // That it is reached at all is the test: ctest's time limit ends a server that does not.
  EXPECT_THAT(clients, SizeIs(4));
}

}  // namespace
}  // namespace pgstow::test
