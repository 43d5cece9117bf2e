// A real S3 server as tests see it: where it is, whose keys it knows, and what an independent
// client (curl and awscli, signing by harness/sigv4.h) finds and does there.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/program.h"
#include "harness/sigv4.h"

namespace pgstow::test {

struct S3Address {
  std::string url;        // "http://127.0.0.1:PORT"
  std::string https_url;  // its certificate is for 127.0.0.1, localhost, s3.test, *.s3.test
  std::filesystem::path ca;
  std::filesystem::path folder;  // of its data and logs
  std::string region = "us-east-1";
  S3Keys admin;    // owns every bucket of make_bucket()
  S3Keys limited;  // may nothing but what a bucket's policy allows it

  // As lines of text, and back.
  std::string text() const;
  static S3Address parse(const std::string& text);
};

struct S3Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
};

using S3Headers = std::vector<std::pair<std::string, std::string>>;

// All methods may be called from several threads.
class S3Server {
 public:
  explicit S3Server(S3Address address) : address_(std::move(address)) {}
  virtual ~S3Server() = default;

  const std::string& url() const { return address_.url; }
  const std::string& https_url() const { return address_.https_url; }
  const std::filesystem::path& ca() const { return address_.ca; }
  const std::string& region() const { return address_.region; }
  const S3Keys& admin() const { return address_.admin; }
  const S3Keys& limited() const { return address_.limited; }
  const S3Address& address() const { return address_; }

  // One signed request: target is "/bucket/key?query", percent-encoded. Throws Error when there is
  // no reply.
  S3Reply request(const std::string& method, const std::string& target,
                  const std::string& body = {}, S3Headers headers = {}) const;
  S3Reply request_as(const S3Keys& keys, const std::string& method, const std::string& target,
                     const std::string& body = {}, S3Headers headers = {}) const;

  // Each throws Error with the reply when it is no success. Keys are plain, not encoded.
  std::string make_bucket(const S3Headers& headers = {}) const;  // with a name that is new
  void put(const std::string& bucket, const std::string& key, const std::string& body) const;
  std::string get(const std::string& bucket, const std::string& key) const;
  std::vector<std::string> keys(const std::string& bucket) const;  // at most the first 1000
  // "key uploadId" of every multipart upload that was neither completed nor aborted.
  std::vector<std::string> uploads(const std::string& bucket) const;
  // How many parts such an upload has.
  std::size_t parts(const std::string& bucket, const std::string& upload) const;

  // Debian's awscli with these keys, at url(): aws({"s3", "cp", ...}).
  Outcome aws(std::vector<std::string> arguments) const;

 private:
  S3Address address_;
};

// The texts of all <tag>...</tag> in a reply's XML, entities resolved.
std::vector<std::string> xml_values(std::string_view xml, const std::string& tag);

// "Allow limited these actions on the bucket", and nothing else, as a policy for PUT
// /bucket?policy=
// ("s3:GetObject", ...).
std::string allow_policy(const std::string& bucket, const std::vector<std::string>& actions);

}  // namespace pgstow::test
