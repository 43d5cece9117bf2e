#include "store/s3_rights.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <functional>

#include "base/error.h"
#include "base/json.h"
#include "store/s3_listing.h"
#include "store/s3_multipart.h"

namespace pgstow {
namespace {

namespace json = boost::json;

constexpr std::string_view kContent = "pgstow tries whether it may write here.\n";

class Attempts {
 public:
  Attempts(S3Store& store, std::string_view probe)
      : store_(store),
        client_(store.client()),
        probe_(probe),
        key_(client_.settings().prefix + std::string(probe)) {}

  std::vector<S3Right> run() {
    attempt({.action = "s3:ListBucket", .purpose = "see the backups", .of_bucket = true},
            [&] { store_.list(probe_); });
    attempt({.action = "s3:PutObject", .purpose = "make backups"}, [&] { put(); });
    attempt_written({.action = "s3:GetObject", .purpose = "verify and restore"}, [&] { get(); });
    attempt({.action = "s3:DeleteObject",
             .purpose = "let retention remove old backups",
             .needed = false},
            [&] { store_.remove(probe_); });
    attempt_written({.action = "s3:AbortMultipartUpload",
                     .purpose = "clear what a dead run left",
                     .needed = false},
                    [&] { abort(); });
    attempt({.action = "s3:ListBucketMultipartUploads",
             .purpose = "find what a dead run left",
             .needed = false,
             .of_bucket = true},
            [&] { list_uploads(client_, key_, stop()); });
    attempt_written({.action = "s3:ListMultipartUploadParts",
                     .purpose = "tell a dead run's upload from a living one's",
                     .needed = false},
                    [&] { list_parts(); });
    if (!client_.settings().lock_mode.empty()) {
      attempt({.action = "s3:GetBucketObjectLockConfiguration",
               .purpose = "see that the bucket can lock objects",
               .of_bucket = true},
              [&] { see_lock(); });
    }
    return std::move(rights_);
  }

 private:
  std::stop_token stop() const { return client_.context().stop; }

  void attempt(S3Right right, const std::function<void()>& step) {
    try {
      step();
      right.granted = true;
    } catch (const NotAllowed& e) {
      right.problem = e.what();
    }
    rights_.push_back(std::move(right));
  }

  // What needs an object or an upload of ours can't be tried without one, and is not granted.
  void attempt_written(S3Right right, const std::function<void()>& step) {
    if (written_) return attempt(std::move(right), step);
    right.problem = "not tried: nothing could be written";
    rights_.push_back(std::move(right));
  }

  void put() {
    const std::unique_ptr<Sink> sink = store_.create(probe_, Existing::kReplace);
    sink->write(kContent);
    sink->finish();
    written_ = true;
  }

  // Without the right to list, S3 answers 403 for what is not there: then nothing can be said.
  void get() {
    const std::unique_ptr<Source> source = store_.open(probe_);
    std::string content(kContent.size() + 1, '\0');
    content.resize(source->read(content));
    if (content != kContent) {
      throw Corrupt(client_.location(key_) + ": what was written was not read again");
    }
  }

  void abort() { abort_upload(client_, key_, begin_upload(client_, key_, {}, stop()), stop()); }

  void list_parts() {
    const std::string id = begin_upload(client_, key_, {}, stop());
    try {
      last_part(client_, {.key = key_, .id = id, .initiated = {}}, stop());
    } catch (const NotAllowed&) {
      abort_upload(client_, key_, id, stop());
      throw;
    }
    abort_upload(client_, key_, id, stop());
  }

  void see_lock() {
    const S3Request request{.method = "GET", .key = {}, .query = {{"object-lock", ""}}};
    const S3Reply reply = client_.send(request, stop());
    if (reply.status == 403) client_.fail(request, reply);
    if (!reply.ok() || reply.http.body.find("<ObjectLockEnabled>Enabled") == std::string::npos) {
      throw ConfigError(fmt::format("the bucket {} can't lock objects", client_.settings().bucket),
                        "make a bucket with object lock enabled, or unset BACKUP_S3_LOCK_MODE");
    }
  }

  S3Store& store_;
  S3Client& client_;
  const std::string probe_;
  const std::string key_;
  bool written_ = false;
  std::vector<S3Right> rights_;
};

json::object statement(const json::array& actions, const std::string& resource) {
  return {{"Effect", "Allow"}, {"Action", actions}, {"Resource", resource}};
}

}  // namespace

std::vector<S3Right> try_rights(S3Store& store, std::string_view probe) {
  return Attempts(store, probe).run();
}

std::string policy_of(const S3Settings& settings, const std::vector<S3Right>& rights) {
  json::array of_bucket;
  json::array of_objects;
  for (const S3Right& right : rights) {
    (right.of_bucket ? of_bucket : of_objects).emplace_back(right.action);
  }
  const std::string bucket = "arn:aws:s3:::" + settings.bucket;
  json::array statements;
  if (!of_bucket.empty()) statements.push_back(statement(of_bucket, bucket));
  if (!of_objects.empty()) {
    statements.push_back(statement(of_objects, fmt::format("{}/{}*", bucket, settings.prefix)));
  }
  return pretty(json::object{{"Version", "2012-10-17"}, {"Statement", statements}});
}

}  // namespace pgstow
