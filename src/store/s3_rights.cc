#include "store/s3_rights.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "store/s3_digest.h"
#include "store/s3_download.h"
#include "store/s3_keeping.h"
#include "store/s3_listing.h"
#include "store/s3_multipart.h"

namespace pgstow {
namespace {

namespace json = boost::json;

constexpr std::string_view kContent = "pgstow tries whether it may write here.\n";
// Signatures allow clocks to be 15 minutes apart, and a lock has to end in the future.
constexpr std::chrono::minutes kProbeLock{20};

bool encrypts_with_key(const S3Settings& settings) {
  return settings.encryption.starts_with("aws:kms");
}

// Without the options that need rights of their own.
S3Settings plain(S3Settings settings) {
  settings.tags.clear();
  settings.lock_mode.clear();
  if (encrypts_with_key(settings)) {
    settings.encryption.clear();
    settings.kms_key.clear();
  }
  return settings;
}

// What a setting asks for beside the write itself, and the right that it needs.
struct Option {
  S3Right right;
  std::function<void(S3Settings&)> enable;
};

std::vector<Option> options_of(const S3Settings& settings) {
  std::vector<Option> options;
  if (!settings.tags.empty()) {
    options.push_back({{.action = "s3:PutObjectTagging", .purpose = "tag backups"},
                       [&](S3Settings& with) { with.tags = settings.tags; }});
  }
  if (!settings.lock_mode.empty()) {
    options.push_back({{.action = "s3:PutObjectRetention", .purpose = "lock backups"},
                       [&](S3Settings& with) { with.lock_mode = settings.lock_mode; }});
  }
  if (encrypts_with_key(settings)) {
    options.push_back({{.action = "kms:GenerateDataKey",
                        .purpose = "encrypt backups",
                        .resource = S3Resource::kEncryptionKey},
                       [&](S3Settings& with) {
                         with.encryption = settings.encryption;
                         with.kms_key = settings.kms_key;
                       }});
  }
  return options;
}

class Attempts {
 public:
  Attempts(S3Store& store, std::string_view probe)
      : store_(store),
        client_(store.client()),
        settings_(client_.settings()),
        probe_(probe),
        key_(settings_.prefix + std::string(probe)),
        usable_(plain(settings_)) {}

  S3Trial run() {
    attempt(
        {.action = "s3:ListBucket", .purpose = "see the backups", .resource = S3Resource::kBucket},
        [&] { store_.list(probe_); });
    try_writing();
    try_reading();
    if (!settings_.lock_mode.empty()) {
      attempt_if(!usable_.lock_mode.empty(),
                 {.action = "s3:GetObjectRetention", .purpose = "see that backups are locked"},
                 [&] { see_lock(); });
    }
    const bool removed = attempt({.action = "s3:DeleteObject",
                                  .purpose = "let retention remove old backups",
                                  .needed = false},
                                 [&] { store_.remove(probe_); });
    try_uploads();
    return {.rights = std::move(rights_), .remains = remains(removed)};
  }

 private:
  std::stop_token stop() const { return client_.context().stop; }

  bool attempt(S3Right right, const std::function<void()>& step) {
    try {
      step();
      right.granted = true;
    } catch (const NotAllowed& e) {
      right.problem = e.what();
    }
    rights_.push_back(std::move(right));
    return rights_.back().granted;
  }

  // What can't be tried is not granted.
  bool attempt_if(bool possible, S3Right right, const std::function<void()>& step) {
    if (possible) return attempt(std::move(right), step);
    right.problem = "not tried: it needs what is refused";
    rights_.push_back(std::move(right));
    return false;
  }

  // As a backup writes, with all that is configured: a bucket may refuse what is not encrypted.
  // Only when that is refused, the write is tried by itself, and then each option with it.
  void try_writing() {
    const bool all = write(settings_).ok();
    written_ = attempt({.action = "s3:PutObject", .purpose = "make backups"}, [&] {
      if (!all) put(usable_);
    });
    for (const Option& option : options_of(settings_)) {
      const bool granted = attempt_if(written_, option.right, [&] {
        S3Settings with = plain(settings_);
        option.enable(with);
        if (!all) put(with);
      });
      if (granted) option.enable(usable_);
    }
    if (written_ && !all) put(usable_);
  }

  // Without the right to list, S3 answers 403 for what is not there: then nothing can be said.
  void try_reading() {
    std::string refused;  // what is encrypted; without that, the object can be read
    const bool readable =
        attempt_if(written_, {.action = "s3:GetObject", .purpose = "verify and restore"}, [&] {
          try {
            get();
          } catch (const NotAllowed& e) {
            if (!encrypts_with_key(usable_)) throw;
            refused = e.what();
            put(plain(settings_));
            get();
            put(usable_);
          }
        });
    if (!encrypts_with_key(settings_)) return;
    attempt_if(readable && encrypts_with_key(usable_),
               {.action = "kms:Decrypt",
                .purpose = "read encrypted backups",
                .resource = S3Resource::kEncryptionKey},
               [&] {
                 if (!refused.empty()) throw NotAllowed(refused);
               });
  }

  void try_uploads() {
    attempt_if(written_,
               {.action = "s3:AbortMultipartUpload",
                .purpose = "clear what a dead run left",
                .needed = false},
               [&] { abort_upload(client_, key_, begin(), stop()); });
    attempt({.action = "s3:ListBucketMultipartUploads",
             .purpose = "find what a dead run left",
             .resource = S3Resource::kBucket,
             .needed = false},
            [&] { list_uploads(client_, key_, stop()); });
    attempt_if(written_,
               {.action = "s3:ListMultipartUploadParts",
                .purpose = "tell a dead run's upload from a living one's",
                .needed = false},
               [&] { list_parts(); });
  }

  S3Reply write(const S3Settings& settings) {
    S3Request request{.method = "PUT",
                      .key = key_,
                      .headers = keeping_headers(settings, key_, kContent.size()),
                      .body = kContent};
    request.headers.push_back({"Content-MD5", base64(md5(kContent))});
    for (HttpHeader& header : lock_headers(settings, client_.context().clock.now() + kProbeLock)) {
      request.headers.push_back(std::move(header));
    }
    return client_.send(request, stop());
  }

  void put(const S3Settings& settings) {
    const S3Reply reply = write(settings);
    if (reply.ok()) return;
    const bool refused = reply.status == 403 || reply.status == 404 || reply.status >= 500;
    if (!settings.lock_mode.empty() && !refused) fail_to_lock();
    client_.fail({.method = "PUT", .key = key_}, reply);
  }

  void get() {
    const std::unique_ptr<Source> source = store_.open(probe_);
    std::string content(kContent.size() + 1, '\0');
    content.resize(source->read(content));
    if (content != kContent) {
      throw Error(client_.location(key_) + ": what was written was not read again", kStoredOther);
    }
  }

  void see_lock() {
    const S3Request request{.method = "GET", .key = key_, .query = {{"retention", ""}}};
    const S3Reply reply = client_.send(request, stop());
    if (reply.status == 403) client_.fail(request, reply);
    if (!reply.ok() || reply.http.body.find("<Mode>") == std::string::npos) fail_to_lock();
  }

  [[noreturn]] void fail_to_lock() const {
    throw ConfigError(fmt::format("the bucket {} can't lock objects", settings_.bucket),
                      "make a bucket with object lock enabled, or unset BACKUP_S3_LOCK_MODE");
  }

  // As that of a large archive: only such a one has a storage class.
  std::string begin() {
    return begin_upload(client_, key_, keeping_headers(usable_, key_, settings_.part_bytes),
                        stop());
  }

  void list_parts() {
    const std::string id = begin();
    try {
      last_part(client_, {.key = key_, .id = id, .initiated = {}}, stop());
    } catch (const NotAllowed&) {
      abort_upload(client_, key_, id, stop());
      throw;
    }
    abort_upload(client_, key_, id, stop());
  }

  std::string remains(bool removed) const {
    const std::string where = client_.location(key_);
    if (written_ && !removed) return where + " stays there";
    if (usable_.lock_mode.empty()) return {};
    return fmt::format("an old version of {} stays, hidden, and locked for {} minutes", where,
                       kProbeLock.count());
  }

  S3Store& store_;
  S3Client& client_;
  const S3Settings& settings_;
  const std::string probe_;
  const std::string key_;
  S3Settings usable_;  // with the options that are granted
  bool written_ = false;
  std::vector<S3Right> rights_;
};

json::object statement(const json::array& actions, const std::string& resource) {
  return {{"Effect", "Allow"}, {"Action", actions}, {"Resource", resource}};
}

std::string resource_of(const S3Settings& settings, S3Resource resource) {
  const std::string bucket = "arn:aws:s3:::" + settings.bucket;
  if (resource == S3Resource::kBucket) return bucket;
  if (resource == S3Resource::kObjects) return fmt::format("{}/{}*", bucket, settings.prefix);
  if (settings.kms_key.starts_with("arn:")) return settings.kms_key;
  return "arn:aws:kms:*:*:key/" + (settings.kms_key.empty() ? "*" : settings.kms_key);
}

}  // namespace

S3Trial try_rights(S3Store& store, std::string_view probe) { return Attempts(store, probe).run(); }

std::string policy_of(const S3Settings& settings, const std::vector<S3Right>& rights) {
  json::array statements;
  for (const S3Resource resource :
       {S3Resource::kBucket, S3Resource::kObjects, S3Resource::kEncryptionKey}) {
    json::array actions;
    for (const S3Right& right : rights) {
      if (right.resource == resource) actions.emplace_back(right.action);
    }
    if (!actions.empty()) {
      statements.push_back(statement(actions, resource_of(settings, resource)));
    }
  }
  return pretty(json::object{{"Version", "2012-10-17"}, {"Statement", statements}});
}

}  // namespace pgstow
