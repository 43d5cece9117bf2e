#include "store/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "harness/sigv4.h"
#include "stream/sha256.h"

namespace pgstow::test {
namespace {

using ::testing::EndsWith;

using Headers = std::vector<HttpHeader>;

std::string header(const Headers& headers, std::string_view name) {
  std::string found;
  int count = 0;
  for (const HttpHeader& h : headers) {
    if (lower(h.name) != lower(name)) continue;
    found = h.value;
    ++count;
  }
  return count > 1 ? "there more than once" : found;
}

// Of AWS's "Signature Version 4 test suite".
class Sigv4Suite : public ::testing::Test {
 protected:
  std::string authorization(std::string_view method, std::string_view path,
                            const QueryParameters& query = {}, Headers headers = {},
                            std::string_view body = "", std::string token = "") const {
    const AwsKeys keys{.access_key_id = "AKIDEXAMPLE",
                       .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                       .session_token = std::move(token),
                       .expires = {}};
    const SigningScope scope{.region = "us-east-1",
                             .service = "service",
                             .time = parse_rfc3339("2015-08-30T12:36:00Z").value()};
    sign(method, "example.amazonaws.com", path, query, headers, pgstow::sha256_hex(body), keys,
         scope);
    EXPECT_EQ(header(headers, "x-amz-date"), "20150830T123600Z");
    EXPECT_EQ(header(headers, "x-amz-content-sha256"), "");
    return header(headers, "authorization");
  }
  std::string signature_of(std::string_view method, std::string_view path,
                           const QueryParameters& query = {}, Headers headers = {},
                           std::string_view body = "", std::string token = "") const {
    const std::string text =
        authorization(method, path, query, std::move(headers), body, std::move(token));
    return text.substr(text.rfind('=') + 1);
  }

  static constexpr const char* kVanilla =
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  static constexpr const char* kUnreserved =
      "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
};

TEST_F(Sigv4Suite, Vanilla) {
  EXPECT_EQ(authorization("GET", "/"),
            std::string("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                        "aws4_request, SignedHeaders=host;x-amz-date, Signature=") +
                kVanilla);
  EXPECT_EQ(signature_of("POST", "/"),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_F(Sigv4Suite, Queries) {
  EXPECT_EQ(signature_of("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  EXPECT_EQ(signature_of("GET", "/", {{"Param1", "value2"}, {"Param1", "value1"}}),
            "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694");
  EXPECT_EQ(signature_of("GET", "/", {{kUnreserved, kUnreserved}}),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
  EXPECT_EQ(signature_of("GET", "/", {{"\u1234", "bar"}}),
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04");
  EXPECT_EQ(signature_of("POST", "/", {{"@#$%^", ""}, {"+", "/,?><`\";:\\|][{}"}}),
            "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e");
}

TEST_F(Sigv4Suite, Headers) {
  EXPECT_EQ(
      signature_of("GET", "/", {},
                   {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}),
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
  EXPECT_EQ(
      signature_of("GET", "/", {}, {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  EXPECT_EQ(signature_of("POST", "/", {}, {{"My-Header1", "VALUE1"}}),
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d");
}

TEST_F(Sigv4Suite, Bodies) {
  EXPECT_EQ(signature_of("POST", "/", {}, {{"Content-Type", "application/x-www-form-urlencoded"}},
                         "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  EXPECT_EQ(signature_of("POST", "/", {},
                         {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
                         "Param1=value1"),
            "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe");
}

TEST_F(Sigv4Suite, SessionTokens) {
  EXPECT_EQ(signature_of("GET", "/", {}, {}, "",
                         "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
}

// The suite's requests carry their paths unencoded.
TEST_F(Sigv4Suite, Paths) {
  EXPECT_EQ(signature_of("GET", std::string("/") + kUnreserved),
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f");
  EXPECT_EQ(signature_of("GET", "/\u1234"),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
  EXPECT_EQ(signature_of("GET", "/example space/"),
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
}

TEST_F(Sigv4Suite, PathsAreNormalized) {
  for (const char* path : {"", "/", "//", "/./", "/example/..", "/example1/example2/../.."}) {
    EXPECT_EQ(signature_of("GET", path), kVanilla) << path;
  }
  EXPECT_EQ(signature_of("GET", "/./example"),
            "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5");
  EXPECT_EQ(signature_of("GET", "//example//"),
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84");
}

// The examples of "Signature Calculations for the Authorization Header" in the API reference of S3.
class Sigv4S3Examples : public ::testing::Test {
 protected:
  const AwsKeys keys_{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                      .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                      .session_token = {},
                      .expires = {}};
  const SigningScope scope_{.region = "us-east-1",
                            .service = "s3",
                            .time = parse_rfc3339("2013-05-24T00:00:00.999Z").value()};

  void sign_example(std::string_view method, std::string_view path, const QueryParameters& query,
                    Headers& headers, std::string_view body = "") const {
    sign(method, "examplebucket.s3.amazonaws.com", path, query, headers, pgstow::sha256_hex(body),
         keys_, scope_);
  }
};

TEST_F(Sigv4S3Examples, GetObject) {
  Headers headers{{"Range", "bytes=0-9"}};
  sign_example("GET", "/test.txt", {}, headers);
  EXPECT_EQ(header(headers, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(header(headers, "x-amz-content-sha256"), kEmptySha256);
}

TEST_F(Sigv4S3Examples, PutObject) {
  Headers headers{{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  sign_example("PUT", "/" + uri_encode("test$file.text"), {}, headers, "Welcome to Amazon S3.");
  EXPECT_THAT(header(headers, "Authorization"),
              EndsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(Sigv4S3Examples, Queries) {
  Headers lifecycle;
  sign_example("GET", "/", {{"lifecycle", ""}}, lifecycle);
  EXPECT_THAT(header(lifecycle, "Authorization"),
              EndsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  Headers list;
  sign_example("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, list);
  EXPECT_THAT(header(list, "Authorization"),
              EndsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST_F(Sigv4S3Examples, SignedAgainAreAsSignedOnce) {
  Headers headers{{"Range", "bytes=0-9"}};
  AwsKeys old = keys_;
  old.session_token = "old";
  sign("GET", "h", "/x", {}, headers, kEmptySha256, old,
       {.region = "r", .service = "s3", .time = {}});
  sign_example("GET", "/test.txt", {}, headers);
  EXPECT_EQ(headers.size(), 4U);
  EXPECT_THAT(header(headers, "Authorization"),
              EndsWith("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST_F(Sigv4S3Examples, AnOwnPayloadHeaderStays) {
  Headers headers{{"X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"}};
  sign("PUT", "h", "/x", {}, headers, "UNSIGNED-PAYLOAD", keys_, scope_);
  EXPECT_EQ(header(headers, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
}

TEST(Sigv4, EncodesForUrls) {
  EXPECT_EQ(uri_encode("a b+c/d%\u00e4~\n"), "a%20b%2Bc%2Fd%25%C3%A4~%0A");
  EXPECT_EQ(uri_encode("/a b/\xFF", true), "/a%20b/%FF");
  EXPECT_EQ(query_string({}), "");
  EXPECT_EQ(query_string({{"c", ""}, {"a", "b"}}), "a=b&c=");
  EXPECT_EQ(query_string({{"a", "2"}, {"a", "10"}, {"a-", ""}, {"B", "/"}}), "B=%2F&a=10&a=2&a-=");
}

rc::Gen<std::string> odd_text() {
  return rc::gen::apply(
      [](const std::string& a, const std::string& b) { return a + b; },
      rc::gen::arbitrary<std::string>(),
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ9-._~/ +%&=?\xC3\xA4"))));
}

struct Signed {
  std::string path;
  QueryParameters query;
  std::string value;  // of a header
  std::string body;
  std::string secret;
  std::string token;
};

std::string our_signature(const Signed& in, const SigningScope& scope, Headers& headers) {
  headers.push_back({"X-Amz-Meta-Odd", in.value});
  const AwsKeys keys{.access_key_id = "AKIA1",
                     .secret_access_key = in.secret,
                     .session_token = in.token,
                     .expires = {}};
  sign("PUT", "s3.test:9000", in.path, in.query, headers, pgstow::sha256_hex(in.body), keys, scope);
  const std::string text = header(headers, "Authorization");
  return text.substr(text.rfind('=') + 1);
}

std::string their_signature(const Signed& in, const SigningScope& scope, const Headers& headers) {
  Signable request{.method = "PUT",
                   .path = in.path,
                   .query = query_string(in.query),
                   .headers = {{"host", "s3.test:9000"}},
                   .payload_hash = test::sha256_hex(in.body),
                   .time = header(headers, "x-amz-date"),
                   .region = scope.region};
  for (const HttpHeader& h : headers) {
    if (h.name != "Authorization") request.headers[lower(h.name)] = h.value;
  }
  return test::signature(request, in.secret);
}

TEST(Sigv4, AgreesWithTheSignerOfTheHarness) {
  EXPECT_TRUE(rc::check("same signature", [] {
    const Signed in{
        .path = "/" + uri_encode(*odd_text(), true),
        .query = *rc::gen::container<QueryParameters>(
            rc::gen::pair(rc::gen::nonEmpty(odd_text()), odd_text())),
        .value = *odd_text(),
        .body = *odd_text(),
        .secret = *rc::gen::arbitrary<std::string>(),
        .token = *rc::gen::arbitrary<std::string>(),
    };
    const SigningScope scope{
        .region = *rc::gen::elementOf(std::vector<std::string>{"us-east-1", "auto", ""}),
        .service = "s3",
        .time = Time(std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, 4102444800000)))};
    Headers headers;
    const std::string ours = our_signature(in, scope, headers);
    RC_ASSERT(ours == their_signature(in, scope, headers));
  }));
}

}  // namespace
}  // namespace pgstow::test
