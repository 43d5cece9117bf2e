#include "store/s3_download.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "store/changed_object.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr std::uint64_t kPieceBytes = 8u << 20;
constexpr std::size_t kErrorBytes = std::size_t{64} * 1024;  // room for an error's text

struct ContentRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // one past the last byte
  std::uint64_t total = 0;
};

// "bytes 0-9/100" (RFC 9110).
std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = parse_int(text.substr(0, dash));
  const auto last = parse_int(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_int(text.substr(slash + 1));
  if (!first || !last || !total || *first < 0 || *last < *first || *total <= *last) {
    return std::nullopt;
  }
  return ContentRange{static_cast<std::uint64_t>(*first), static_cast<std::uint64_t>(*last) + 1,
                      static_cast<std::uint64_t>(*total)};
}

std::uint64_t size_of(const S3Reply& head, const std::string& where) {
  const auto size = parse_int(head.header("content-length"));
  if (!size || *size < 0) throw Error(where + ": the server does not say how long it is");
  return static_cast<std::uint64_t>(*size);
}

std::uint64_t end_of(const Range& range, std::uint64_t total, const std::string& where) {
  if (range.offset > total || (range.length && *range.length > total - range.offset)) {
    throw Corrupt(fmt::format("{}: is shorter than expected: {} bytes", where, total));
  }
  return range.length ? range.offset + *range.length : total;
}

}  // namespace

S3Download::S3Download(std::shared_ptr<S3Client> client, std::string key, Range range)
    : client_(std::move(client)),
      key_(std::move(key)),
      on_stop_(client_->context().stop, [this] { stop_.request_stop(); }) {
  open(range);
}

S3Download::~S3Download() { stop_.request_stop(); }

S3Request S3Download::request(Piece piece) const {
  S3Request request{
      .method = "GET",
      .key = key_,
      .headers = {{"Range", fmt::format("bytes={}-{}", piece.begin, piece.end - 1)}},
      .most_reply_bytes = static_cast<std::size_t>(piece.end - piece.begin) + kErrorBytes};
  if (!etag_.empty()) request.headers.push_back({"If-Match", etag_});
  return request;
}

// The first piece tells how long the object is and which version it is.
void S3Download::open(const Range& range) {
  const std::uint64_t length = std::min(range.length.value_or(kFirstBytes), kFirstBytes);
  if (length == 0 || range.offset > UINT64_MAX - length) return open_empty(range);
  const S3Request first = request({range.offset, range.offset + length});
  const S3Reply reply = client_->send(first, stop_.get_token());
  if (reply.status == 416) return open_empty(range);
  if (!reply.ok()) client_->fail(first, reply);
  const auto got = parse_content_range(reply.header("content-range"));
  if (reply.status == 200 && range.offset == 0 && reply.http.body.size() <= length) {
    total_ = reply.http.body.size();  // whoever does not know ranges may send a small object whole
  } else if (reply.status == 206 && got && got->begin == range.offset &&
             got->end - got->begin == reply.http.body.size()) {
    total_ = got->total;
  } else {
    throw Error(client_->location(key_) + ": the server did not send the range it was asked for");
  }
  etag_ = reply.header("etag");
  end_ = end_of(range, total_, client_->location(key_));
  next_ = std::min(range.offset + length, end_);
  piece_ = reply.http.body;
  if (piece_.size() != next_ - range.offset) {
    throw Error(client_->location(key_) + ": the server sent less than there is");
  }
}

// Nothing is to be read, if the range is one at all.
void S3Download::open_empty(const Range& range) {
  const S3Reply head = client_->send_ok({.method = "HEAD", .key = key_}, stop_.get_token());
  total_ = size_of(head, client_->location(key_));
  end_ = end_of(range, total_, client_->location(key_));
  if (end_ != range.offset) {
    throw Transient(client_->location(key_) + ": changed while it was opened");
  }
  next_ = end_;
}

std::string S3Download::fetch(Piece piece) const {
  const S3Request ask = request(piece);
  S3Reply reply = client_->send(ask, stop_.get_token());
  const std::string where = client_->location(key_);
  if (reply.status == 412 || reply.status == 404 || reply.status == 416) {
    throw_changed(where, "was replaced or removed while it was read");
  }
  if (!reply.ok()) client_->fail(ask, reply);
  const auto got = parse_content_range(reply.header("content-range"));
  const bool right = reply.status == 206 && got && got->begin == piece.begin &&
                     got->end == piece.end && got->total == total_ &&
                     reply.http.body.size() == piece.end - piece.begin;
  if (!right) throw Error(where + ": the server did not send the range it was asked for");
  if (reply.header("etag") != etag_) throw_changed(where, "was replaced while it was read");
  return std::move(reply.http.body);
}

// Keeps pieces on their way: twice as many, and twice as large, for each that was read to its end,
// up to what may be. So who only looks at the beginning does not pay for the rest.
void S3Download::order() {
  const unsigned most = client_->settings().transfers;
  if (!fetchers_ && next_ < end_) fetchers_ = std::make_unique<Ordered<std::string>>(most);
  while (next_ < end_ && fetchers_->pending() < std::min(most, ahead_)) {
    const Piece piece{next_, std::min(next_ + piece_bytes_, end_)};
    fetchers_->submit([this, piece] { return fetch(piece); });
    next_ = piece.end;
    piece_bytes_ = std::min(2 * piece_bytes_, kPieceBytes);
  }
}

std::size_t S3Download::read(std::span<char> into) {
  if (at_ == piece_.size()) {
    order();
    if (!fetchers_ || fetchers_->pending() == 0) return 0;
    piece_ = fetchers_->next();
    at_ = 0;
    ahead_ = std::min(2 * ahead_, client_->settings().transfers);
  }
  if (fetchers_) order();
  const std::size_t n = std::min(into.size(), piece_.size() - at_);
  std::memcpy(into.data(), piece_.data() + at_, n);
  at_ += n;
  return n;
}

void read_back(const std::shared_ptr<S3Client>& client, const std::string& key,
               const std::vector<S3Part>& parts) {
  client->context().log.debug("the server's tag says nothing; reading the object back",
                              {{"object", client->location(key)}});
  S3Download object(client, key, {});
  std::vector<char> buffer(1u << 20);
  for (const S3Part& part : parts) {
    Sha256 hash;
    for (std::uint64_t left = part.bytes; left > 0;) {
      const std::size_t want = std::min<std::uint64_t>(left, buffer.size());
      const std::size_t n = object.read(std::span(buffer).first(want));
      if (n == 0) break;
      hash.update({buffer.data(), n});
      left -= n;
    }
    if (hash.finish() != part.sha256) {
      throw Error(client->location(key) + ": what lies there is not what was sent", kStoredOther);
    }
  }
}

}  // namespace pgstow
