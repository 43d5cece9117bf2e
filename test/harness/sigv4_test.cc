#include "harness/sigv4.h"

#include <gtest/gtest.h>

namespace pgstow::test {
namespace {

// The examples of "Signature Calculations for the Authorization Header" in the API reference of S3.
constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr const char* kHost = "examplebucket.s3.amazonaws.com";
constexpr const char* kTime = "20130524T000000Z";
const std::string kNothing = sha256_hex("");

Signable example(const std::string& method, const std::string& path, const std::string& query,
                 const std::string& payload_hash) {
  return {
      .method = method,
      .path = path,
      .query = query,
      .headers = {{"host", kHost}, {"x-amz-content-sha256", payload_hash}, {"x-amz-date", kTime}},
      .payload_hash = payload_hash,
      .time = kTime,
      .region = "us-east-1"};
}

TEST(Sigv4, AgreesWithTheExampleOfARangedGet) {
  Signable request = example("GET", "/test.txt", "", kNothing);
  request.headers["range"] = "bytes=0-9";
  EXPECT_EQ(signature(request, kSecret),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(Sigv4, AgreesWithTheExampleOfAPut) {
  Signable request = example("PUT", "/test%24file.text", "", sha256_hex("Welcome to Amazon S3."));
  request.headers["date"] = "Fri, 24 May 2013 00:00:00 GMT";
  request.headers["x-amz-storage-class"] = "REDUCED_REDUNDANCY";
  EXPECT_EQ(signature(request, kSecret),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(Sigv4, AgreesWithTheExamplesOfQueries) {
  EXPECT_EQ(signature(example("GET", "/", "lifecycle", kNothing), kSecret),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature(example("GET", "/", "prefix=J&max-keys=2", kNothing), kSecret),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Sigv4, EncodesAndDecodes) {
  const std::string odd = "a b+c/d%ä~\n";
  EXPECT_EQ(percent_encoded(odd), "a%20b%2Bc%2Fd%25%C3%A4~%0A");
  EXPECT_EQ(percent_encoded("a/b", false), "a/b");
  EXPECT_EQ(percent_decoded(percent_encoded(odd)), odd);
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%4"), "%4");
  EXPECT_EQ(percent_decoded("%zz"), "%zz");
}

TEST(Sigv4, Digests) {
  EXPECT_EQ(md5_hex("hello"), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(md5_base64("hello"), "XUFAKrxLKna5cZ2REBfFkg==");
  EXPECT_EQ(kNothing, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace pgstow::test
