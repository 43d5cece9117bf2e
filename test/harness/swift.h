// OpenStack Swift with its S3 interface on free ports of 127.0.0.1, by HTTP and HTTPS; it needs
// four to five seconds to start.
//
//   const Swift& swift = shared_swift();             // one for all tests of a run
//   const std::string bucket = swift.make_bucket();  // each test has its own
//
// It stands for the servers that can't do everything: a PUT with If-None-Match is 501, and so are
// bucket policies, tags, encryption and chunked signatures; headers for object locks are ignored
// without a word. It is strict where others are lax: region and service of a signature, order and
// numbers of parts. Its reply to a wrong signature shows what should have been signed. limited()
// may do nothing.
#pragma once

#include <memory>

#include "harness/s3_server.h"

namespace pgstow::test {

class Swift : public S3Server {
 public:
  // Throws Error with the ends of the logs when it does not start. It ends with the thread that
  // made it, or with the object.
  Swift();
  // One that another process keeps.
  explicit Swift(const S3Address& address);
  ~Swift() override;

 private:
  struct Own;
  explicit Swift(std::unique_ptr<Own> own);

  std::unique_ptr<Own> own_;  // null: kept by another process
};

// The one that all tests share.
const Swift& shared_swift();

}  // namespace pgstow::test
