#include "store/s3_address.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace pgstow {
namespace {

S3Settings bucket(const std::string& name) {
  S3Settings settings;
  settings.bucket = name;
  return settings;
}

std::string url(const S3Settings& settings, const std::string& region, const std::string& key) {
  return s3_address(settings, region, key).url();
}

TEST(S3Address, IsAVirtualHostAtAws) {
  EXPECT_EQ(url(bucket("shop"), "eu-central-1", "a/b c"),
            "https://shop.s3.eu-central-1.amazonaws.com/a/b%20c");
  EXPECT_EQ(url(bucket("shop"), "cn-north-1", ""), "https://shop.s3.cn-north-1.amazonaws.com.cn/");
}

TEST(S3Address, IsAPathWhereAHostWouldNotDo) {
  EXPECT_EQ(url(bucket("shop.example.org"), "us-east-1", "k"),
            "https://s3.us-east-1.amazonaws.com/shop.example.org/k");
  EXPECT_EQ(url(bucket("shop.example.org"), "us-east-1", ""),
            "https://s3.us-east-1.amazonaws.com/shop.example.org");
  S3Settings own = bucket("shop");
  own.endpoint = "http://127.0.0.1:9000";
  EXPECT_EQ(url(own, "any", "k+1"), "http://127.0.0.1:9000/shop/k%2B1");
  own.addressing = S3Addressing::kVirtual;
  EXPECT_EQ(url(own, "any", "k"), "http://shop.127.0.0.1:9000/k");
  S3Settings path = bucket("shop");
  path.addressing = S3Addressing::kPath;
  EXPECT_EQ(url(path, "us-east-1", "k"), "https://s3.us-east-1.amazonaws.com/shop/k");
}

TEST(S3Address, EndpointsAreSchemesAndHosts) {
  EXPECT_EQ(checked_endpoint("HTTPS://s3.example.org/"), "https://s3.example.org");
  EXPECT_EQ(checked_endpoint("https://s3.example.org:443"), "https://s3.example.org");
  EXPECT_EQ(checked_endpoint("http://s3.example.org:8080"), "http://s3.example.org:8080");
  EXPECT_EQ(checked_endpoint("http://[::1]:80"), "http://[::1]");
  EXPECT_EQ(checked_endpoint("https://[::1]:9000"), "https://[::1]:9000");
  for (const char* wrong : {"", "s3.example.org", "ftp://s3.example.org", "http://", "http://a/b",
                            "http://user:pw@host", "http://host:x", "http://host:99999",
                            "http://ho st", "https://:443"}) {
    EXPECT_THROW(checked_endpoint(wrong), ConfigError) << wrong;
  }
}

TEST(S3Address, BucketsHaveNames) {
  for (const char* good : {"abc", "finance-bot-backups", "a.b.c", "Old_Bucket"}) {
    EXPECT_NO_THROW(check_bucket_name(good)) << good;
  }
  for (const char* wrong : {"", "ab", "a/b", ".abc", "abc.", "a..b", "a b", "a?b", "ä-bucket"}) {
    EXPECT_THROW(check_bucket_name(wrong), ConfigError) << wrong;
  }
}

}  // namespace
}  // namespace pgstow
