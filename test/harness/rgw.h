// Ceph's S3 server (monitor, one OSD in memory, gateway) on free ports of 127.0.0.1, by HTTP and
// HTTPS; it needs no root and starts in about a second and a half.
//
//   const Rgw& rgw = shared_rgw();                 // one for all tests of a run
//   const std::string bucket = rgw.make_bucket();  // each test has its own
//   ... rgw.url(), rgw.https_url(), rgw.ca(), rgw.admin(), rgw.limited(), rgw.keys(bucket) ...
//
// A test that stops, kills or configures the gateway starts one for itself: Rgw rgw; or puts
// another gateway before the shared storage: shared_rgw().gateway({"rgw_max_concurrent_requests =
// 2"}).
//
// What it does otherwise than AWS, and what tests can't show with it: x-amz-checksum-* headers and
// trailers are not verified, CompleteMultipartUpload ignores If-None-Match, the region of a
// signature is not checked, error texts are empty. Parts may be as small as 1 KiB here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/guarded_folder.h"
#include "harness/program.h"
#include "harness/s3_server.h"
#include "harness/test_ca.h"

namespace pgstow::test {

// One more door to the storage of an Rgw, which has to outlive it. Single-threaded.
class Gateway {
 public:
  Gateway(const std::filesystem::path& cluster, const std::vector<std::string>& settings);

  const std::string& url() const { return url_; }
  void pause();  // requests hang, and are carried out after resume()
  void resume();
  void kill();     // SIGKILL: connections are reset, new ones refused
  void restart();  // on the same port
  // Lines of its log that a request made: "PUT /bucket/key?x=y HTTP/1.1" 200.
  std::vector<std::string> requests() const;

 private:
  void start();

  std::vector<std::string> argv_;
  std::filesystem::path log_;
  std::string url_;
  std::unique_ptr<Running> process_;
};

struct RgwOptions {
  std::vector<std::string> settings =
      {};  // more lines for the gateway: "rgw_lc_debug_interval = 10"
};

class Rgw : public S3Server {
 public:
  // Throws Error with the ends of the logs when it does not start. It ends with the thread that
  // made it, or with the object.
  explicit Rgw(const RgwOptions& options = {});
  // One that another process keeps.
  explicit Rgw(const S3Address& address);
  ~Rgw() override;

  // See allow_policy(). Throws Error when the policy is refused.
  void set_policy(const std::string& bucket, const std::string& policy) const;
  // Keys with a session token, of a role that may do everything; good for 15 minutes.
  S3Keys temporary_keys() const;
  // How many requests of that method on paths with that beginning ("/bucket/key") were logged.
  int requests(std::string_view method, std::string_view path_start) const;
  // Another gateway to the same storage.
  Gateway gateway(const std::vector<std::string>& settings = {}) const;
  // radosgw-admin; throws Error when it fails.
  std::string admin_command(std::vector<std::string> arguments) const;

  // For one of your own: the gateway that url() and https_url() name.
  void pause();
  void resume();
  void kill();
  void restart();

 private:
  struct Own;
  explicit Rgw(std::unique_ptr<Own> own);
  Own& own();

  std::unique_ptr<Own> own_;  // null: kept by another process
};

// The one that all tests share. Not to be paused, killed or filled: 4 GiB lie in memory for all.
const Rgw& shared_rgw();

}  // namespace pgstow::test
