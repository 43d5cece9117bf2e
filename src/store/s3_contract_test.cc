// S3Store under the contract that every store passes, at two real servers.
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "harness/program.h"
#include "harness/rgw.h"
#include "harness/s3_connect.h"
#include "harness/store_contract.h"
#include "harness/swift.h"

namespace pgstow::test {
namespace {

class S3Place {
 public:
  explicit S3Place(const S3Server& server) : server_(server) {}

  std::unique_ptr<Store> connect() {
    S3Settings settings = s3_settings(server_.address(), bucket_);
    settings.endpoint = server_.https_url();
    settings.ca = server_.ca();
    settings.notes = notes_.path();
    return std::make_unique<S3Store>(settings, std::make_unique<FixedKeys>(server_.admin()),
                                     context_);
  }

 private:
  const S3Server& server_;
  SystemClock clock_;
  Log log_{clock_, LogFormat::kText, Level::kWarning};
  Context context_{.log = log_, .clock = clock_, .stop = {}};
  TempDir notes_{"pgstow-notes-"};
  std::string bucket_ = server_.make_bucket();
};

class RgwPlace : public S3Place {
 public:
  RgwPlace() : S3Place(shared_rgw()) {}
};

// It answers a conditional PUT with 501.
class SwiftPlace : public S3Place {
 public:
  static constexpr bool kSettlesRaces = false;
  SwiftPlace() : S3Place(shared_swift()) {}
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rgw, StoreContract, RgwPlace);
INSTANTIATE_TYPED_TEST_SUITE_P(Swift, StoreContract, SwiftPlace);

}  // namespace
}  // namespace pgstow::test
