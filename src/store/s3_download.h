// An object on its way from S3.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "store/s3_client.h"
#include "store/s3_multipart.h"
#include "store/store.h"
#include "stream/ordered.h"
#include "stream/stream.h"

namespace pgstow {

// The object's bytes, or a range of them, fetched in pieces: several ahead of the reader, each
// tried again by itself. All pieces are of one version of the object. Throws as Store::open() says.
class S3Download final : public Source {
 public:
  S3Download(std::shared_ptr<S3Client> client, std::string key, Range range);
  S3Download(const S3Download&) = delete;
  S3Download& operator=(const S3Download&) = delete;
  ~S3Download() override;

  std::size_t read(std::span<char> into) override;

 private:
  struct Piece {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  static constexpr std::uint64_t kFirstBytes = 1u << 20;  // most objects are manifests
  void open(const Range& range);
  void open_empty(const Range& range);
  std::string fetch(Piece piece) const;
  void order();
  S3Request request(Piece piece) const;

  const std::shared_ptr<S3Client> client_;
  const std::string key_;
  std::stop_source stop_;  // asked for by the context's, and by the destructor
  std::stop_callback<std::function<void()>> on_stop_;
  std::string etag_;                                // as the server gave it; empty: it gave none
  std::uint64_t total_ = 0;                         // of the object
  std::uint64_t next_ = 0;                          // first byte that was not ordered yet
  std::uint64_t end_ = 0;                           // of the range
  unsigned ahead_ = 1;                              // pieces, at most
  std::uint64_t piece_bytes_ = 2 * kFirstBytes;     // of the next piece
  std::string piece_;                               // being read
  std::size_t at_ = 0;                              // in it
  std::unique_ptr<Ordered<std::string>> fetchers_;  // last: its threads use what is above
};

// For whoever finds, right after it was written, that a server does not have what it was sent. No
// Corrupt: that tells of a backup that was good once.
inline constexpr const char* kStoredOther =
    "the server keeps other bytes than it is given: is its storage failing?";

// Reads the object and throws Error unless it is what these parts sent.
void read_back(const std::shared_ptr<S3Client>& client, const std::string& key,
               const std::vector<S3Part>& parts);

}  // namespace pgstow
