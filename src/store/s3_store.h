// Backups in an S3 bucket, one object each.
//
// An object is visible when it is whole: S3 shows neither an unfinished PUT nor an unfinished
// multipart upload. That there is one object of a name is settled by conditional writes
// (If-None-Match) where the server knows them, and by looking first where it does not.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "store/credentials.h"
#include "store/s3_client.h"
#include "store/s3_listing.h"
#include "store/s3_settings.h"
#include "store/store.h"

namespace pgstow {

// Keys as those of the local store; in the bucket, the settings' prefix stands before them. Objects
// whose key has a '/' after the prefix, or begins with '.', are not the store's.
class S3Store final : public Store {
 public:
  // The settings have been checked. Nothing is sent yet. The context has to outlive the store and
  // its sinks and sources.
  S3Store(S3Settings settings, std::unique_ptr<Credentials> credentials, const Context& context);

  std::string name() const override { return client_->settings().name; }
  std::string location(std::string_view key) const override;
  std::unique_ptr<Sink> create(std::string_view key, Existing existing) override;
  void reserve(std::string_view stem) override;
  void protect(std::string_view key) override;
  std::unique_ptr<Source> open(std::string_view key, Range range = {}) override;
  std::vector<Object> list(std::string_view prefix = {}) override;
  void remove(std::string_view key) override;
  // Aborts uploads that this host's notes name as a dead run's and, whoever began them, those of a
  // backup's names that have not moved for a day.
  int clear_leftovers() override;

  // The names of the folders below the prefix, sorted.
  std::vector<std::string> folders();

  // Whether the bucket has answered a removal with a delete marker: it is versioned, and what was
  // removed is hidden, not gone.
  bool hides_removed() const { return hides_removed_; }

  S3Client& client() { return *client_; }

 private:
  std::string full_key(std::string_view key) const;
  int end_noted();
  int end_stale();
  bool is_stale(const OpenUpload& upload, Time now);

  const std::shared_ptr<S3Client> client_;
  std::atomic<bool> hides_removed_ = false;
};

}  // namespace pgstow
