// An object on its way to S3.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "store/s3_client.h"
#include "store/s3_multipart.h"
#include "store/store.h"
#include "store/upload_note.h"
#include "stream/ordered.h"
#include "stream/stream.h"

namespace pgstow {

// A small object is one PUT at finish(), a large one a multipart upload whose parts are sent while
// the next ones fill. finish() returns when the server has the bytes that it got from us, in their
// order, as far as it can be held to that: each part's SHA-256 is signed and its MD5 sent along,
// the ETag of the whole is compared, and where that says nothing, the object is read back.
// Destroyed before that, the upload is aborted, also when a stop was asked for.
class S3Upload final : public Sink {
 public:
  // Throws Exists when the key is there and must not be.
  S3Upload(std::shared_ptr<S3Client> client, std::string key, Existing existing);
  S3Upload(const S3Upload&) = delete;
  S3Upload& operator=(const S3Upload&) = delete;
  ~S3Upload() override;

  void write(std::string_view bytes) override;
  void finish() override;

 private:
  bool only_new() const { return existing_ == Existing::kRefuse; }
  bool is_protected() const { return existing_ != Existing::kReplace; }
  bool is_there() const;
  [[noreturn]] void refuse_other() const;
  void begin();
  void submit_part();
  void take_part();
  void put_whole();
  S3Reply put(const std::string& md5, const std::string& sha256, bool conditional) const;
  void complete();
  void check_whole(const std::string& etag);
  bool is_ours(const S3Reply& head) const;
  S3Reply head() const;
  S3Reply head_of_written() const;
  void abandon() noexcept;

  const std::shared_ptr<S3Client> client_;
  const std::string key_;
  const Existing existing_;
  const std::string writer_;  // tells our object from another run's of the same name
  std::stop_source stop_;     // of the requests: asked for by the context's, and by abandon()
  std::stop_callback<std::function<void()>> on_stop_;
  std::string buffer_;  // of the part that fills
  std::uint32_t next_number_ = 1;
  std::uint64_t bytes_ = 0;
  std::vector<S3Part> parts_;
  std::string upload_id_;  // empty: no multipart upload
  std::unique_ptr<UploadNote> note_;
  bool finished_ = false;
  std::unique_ptr<Ordered<S3Part>> senders_;  // last: its threads use what is above
};

}  // namespace pgstow
