// STS for real: Ceph's gateway checks our signature and hands out keys that work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "harness/program.h"
#include "harness/rgw.h"
#include "store/aws_credentials.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// By curl: what is tested here is what is sent, not how.
HttpReply by_curl(const HttpRequest& request) {
  Program program{.argv = {"curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", "-X",
                           request.method, "--data-binary", "@-", request.url},
                  .env = {},
                  .input = std::string(request.body)};
  for (const HttpHeader& header : request.headers) {
    program.argv.insert(program.argv.end(), {"-H", header.name + ": " + header.value});
  }
  const std::string out = run_ok(program);
  const std::size_t end = out.rfind('\n');
  return {.status = std::stoi(out.substr(end + 1)), .headers = {}, .body = out.substr(0, end)};
}

class StsOfRgwTest : public ::testing::Test, protected KeyTest {
 protected:
  StsOfRgwTest() {
    on_service = [this](const SentRequest& sent) {
      HttpRequest request{.method = sent.method, .url = sent.url, .headers = {}, .body = sent.body};
      for (const auto& [name, value] : sent.headers) request.headers.push_back({name, value});
      return by_curl(request);
    };
    variables["AWS_CONFIG_FILE"] = (temp_ / "config").native();
    variables["AWS_ENDPOINT_URL_STS"] = rgw_.url();
    variables["AWS_REGION"] = rgw_.region();
  }
  AwsKeys keys_by(const S3Keys& source) {
    write_file(temp_ / "config",
               "[default]\nrole_arn=arn:aws:iam:::role/backup\nsource_profile=base\n"
               "duration_seconds=900\n[profile base]\naws_access_key_id=" +
                   source.access_key + "\naws_secret_access_key=" + source.secret_key + "\n");
    const Context context{.log = test.context().log, .clock = clock_, .stop = {}};
    return aws_credentials({}, {.environment = environment(),
                                .send = services.send(),
                                .send_direct = direct.send(),
                                .context = context})
        ->keys();
  }

  const Rgw& rgw_ = shared_rgw();
  const TempDir temp_;
  const SystemClock clock_;  // the gateway refuses requests from another time
};

TEST_F(StsOfRgwTest, HandsOutKeysThatWork) {
  const AwsKeys keys = keys_by(rgw_.admin());
  EXPECT_TRUE(keys.expires);
  const std::string bucket = rgw_.make_bucket();
  const S3Keys as_sent{.access_key = keys.access_key_id,
                       .secret_key = keys.secret_access_key,
                       .session_token = keys.session_token};
  EXPECT_EQ(rgw_.request_as(as_sent, "PUT", "/" + bucket + "/k", "x").status, 200);
  EXPECT_EQ(rgw_.get(bucket, "k"), "x");
}

TEST_F(StsOfRgwTest, RefusesAWrongSecret) {
  S3Keys wrong = rgw_.admin();
  wrong.secret_key = "canary";
  EXPECT_THAT(thrown_text([&] { keys_by(wrong); }),
              AllOf(HasSubstr("assuming arn:aws:iam:::role/backup: SignatureDoesNotMatch"),
                    Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
