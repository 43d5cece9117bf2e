#include "store/s3_upload.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/pause.h"
#include "base/text.h"
#include "store/random_id.h"
#include "store/s3_digest.h"
#include "store/s3_download.h"
#include "store/s3_keeping.h"
#include "stream/sha256.h"

namespace pgstow {
namespace {

constexpr std::chrono::seconds kAbortPatience{5};  // a run that was stopped has to end
constexpr int kLooks = 4;                          // at what was just written
constexpr std::chrono::milliseconds kBetweenLooks{250};
constexpr std::string_view kWriterHeader = "x-amz-meta-pgstow-writer";

// Only what is never replaced is locked.
std::vector<HttpHeader> object_headers(const S3Client& client, const std::string& key,
                                       const std::string& writer, bool locked,
                                       std::uint64_t bytes) {
  const S3Settings& settings = client.settings();
  std::vector<HttpHeader> headers = keeping_headers(settings, key, bytes);
  headers.push_back({std::string(kWriterHeader), writer});
  headers.push_back({"Content-Type", "application/octet-stream"});
  if (!locked) return headers;
  const Time until = client.context().clock.now() + std::chrono::days(settings.lock_days);
  for (HttpHeader& header : lock_headers(settings, until)) headers.push_back(std::move(header));
  return headers;
}

// A server that has no conditional writes says so in one of these ways.
bool knows_no_conditions(const S3Reply& reply) {
  return reply.status == 501 || (reply.status == 400 && (reply.code == "NotImplemented" ||
                                                         reply.code == "InvalidArgument" ||
                                                         reply.code == "InvalidRequest"));
}

// Asks for a stop when it has lived too long.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds after)
      : watch_([this, end = std::chrono::steady_clock::now() + after](const std::stop_token& over) {
          if (pause_until(end, over)) stop_.request_stop();
        }) {}

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread watch_;
};

}  // namespace

S3Upload::S3Upload(std::shared_ptr<S3Client> client, std::string key, Existing existing)
    : client_(std::move(client)),
      key_(std::move(key)),
      existing_(existing),
      writer_(random_id()),
      on_stop_(client_->context().stop, [this] { stop_.request_stop(); }) {
  if (only_new() && is_there()) throw Exists(client_->location(key_) + ": is there already");
}

S3Upload::~S3Upload() { abandon(); }

S3Reply S3Upload::head() const {
  return client_->send({.method = "HEAD", .key = key_}, stop_.get_token());
}

// A server that lets two write one name (Swift) may say for a moment that there is nothing, while
// the newer object takes the older one's place.
S3Reply S3Upload::head_of_written() const {
  S3Reply reply = head();
  for (int look = 1; reply.status == 404 && look < kLooks; ++look) {
    client_->context().clock.sleep(kBetweenLooks * look, stop_.get_token());
    reply = head();
  }
  return reply;
}

bool S3Upload::is_there() const {
  const S3Reply reply = head();
  if (!reply.ok() && reply.status != 404) client_->fail({.method = "HEAD", .key = key_}, reply);
  return reply.ok();
}

void S3Upload::refuse_other() const {
  throw Exists(client_->location(key_) + ": another run has written this name meanwhile",
               "what it wrote stays as it is");
}

void S3Upload::write(std::string_view bytes) {
  if (finished_) throw Error(client_->location(key_) + ": written to after its end");
  check_stop(stop_.get_token());
  while (!bytes.empty()) {
    const std::uint64_t most = part_size(client_->settings(), next_number_);
    const std::string_view now = bytes.substr(0, most - buffer_.size());
    if (next_number_ > 1 && buffer_.empty()) buffer_.reserve(most);
    buffer_.append(now);
    bytes_ += now.size();
    bytes.remove_prefix(now.size());
    // A full buffer waits for one more byte: an object of just that size is one PUT.
    if (buffer_.size() == most && !bytes.empty()) submit_part();
  }
}

void S3Upload::begin() {
  const S3Settings& settings = client_->settings();
  upload_id_ =
      begin_upload(*client_, key_, object_headers(*client_, key_, writer_, is_protected(), bytes_),
                   stop_.get_token());
  if (!settings.notes.empty()) {
    try {
      note_ = std::make_unique<UploadNote>(
          settings.notes,
          NotedUpload{.place = client_->place(), .key = key_, .upload_id = upload_id_});
    } catch (const Error& e) {  // then a dead run's parts are found by their age
      client_->context().log.debug("no note of an upload", {{"cause", e.what()}});
    }
  }
  senders_ = std::make_unique<Ordered<S3Part>>(settings.transfers);
}

void S3Upload::submit_part() {
  if (upload_id_.empty()) begin();
  if (next_number_ > client_->settings().most_parts) {
    throw Error(fmt::format("{}: needs more than {} parts", client_->location(key_),
                            client_->settings().most_parts),
                "set BACKUP_S3_PART_SIZE to more");
  }
  const unsigned most = parts_in_flight(client_->settings(), buffer_.size());
  while (senders_->pending() >= most) take_part();
  const auto bytes = std::make_shared<const std::string>(std::exchange(buffer_, {}));
  senders_->submit([this, bytes, number = next_number_++] {
    return send_part(*client_, key_, upload_id_, number, *bytes, stop_.get_token());
  });
}

void S3Upload::take_part() { parts_.push_back(senders_->next()); }

void S3Upload::finish() {
  if (finished_) throw Error(client_->location(key_) + ": finished twice");
  if (upload_id_.empty()) {
    put_whole();
  } else {
    submit_part();
    while (senders_->pending() > 0) take_part();
    complete();
  }
  finished_ = true;
  note_.reset();
}

S3Reply S3Upload::put(const std::string& md5_bytes, const std::string& sha256,
                      bool conditional) const {
  S3Request request{.method = "PUT",
                    .key = key_,
                    .headers = object_headers(*client_, key_, writer_, is_protected(), bytes_),
                    .body = buffer_,
                    .body_sha256 = sha256};
  request.headers.push_back({"Content-MD5", base64(md5_bytes)});
  if (conditional) request.headers.push_back({"If-None-Match", "*"});
  return client_->send(request, stop_.get_token());
}

void S3Upload::put_whole() {
  const S3Part whole{.number = 1,
                     .bytes = buffer_.size(),
                     .sha256 = sha256_hex(buffer_),
                     .md5 = md5(buffer_),
                     .etag = {}};
  S3Reply reply = put(whole.md5, whole.sha256, only_new());
  const bool unsettled = only_new() && knows_no_conditions(reply);
  if (unsettled) {
    if (is_there()) refuse_other();
    reply = put(whole.md5, whole.sha256, false);
  }
  // What stands in our way may be our own, from a try whose answer was lost.
  const bool ours = reply.status == 412 && is_ours(head());
  if (reply.status == 412 && !ours) refuse_other();
  if (!reply.ok() && !ours) client_->fail({.method = "PUT", .key = key_}, reply);
  parts_ = {whole};
  const bool told = lower(plain_etag(reply.header("etag"))) == hex(whole.md5);
  const bool locked = is_protected() && !client_->settings().lock_mode.empty();
  if (!told || unsettled || locked) check_whole(hex(whole.md5));
}

void S3Upload::complete() {
  if (only_new() && is_there()) refuse_other();
  S3Reply reply =
      complete_upload(*client_, key_, upload_id_, parts_, only_new(), stop_.get_token());
  if (only_new() && knows_no_conditions(reply)) {
    reply = complete_upload(*client_, key_, upload_id_, parts_, false, stop_.get_token());
  }
  // The upload may be gone because it was completed by a try whose answer was lost.
  const bool lost = reply.status == 404 || reply.status == 412 || reply.status == 500;
  const bool ours = !reply.ok() && lost && is_ours(head());
  if (reply.status == 412 && !ours) refuse_other();
  if (!reply.ok() && !ours) client_->fail({.method = "POST", .key = key_}, reply);
  upload_id_.clear();
  check_whole(etag_of(parts_));
}

bool S3Upload::is_ours(const S3Reply& head) const {
  return head.ok() && head.header(kWriterHeader) == writer_;
}

// What lies there is compared with what was sent.
void S3Upload::check_whole(const std::string& etag) {
  const S3Reply reply = head_of_written();
  if (!reply.ok()) client_->fail({.method = "HEAD", .key = key_}, reply);
  if (reply.http.header(kWriterHeader).value_or(writer_) != writer_) refuse_other();
  const auto size = parse_int(reply.header("content-length"));
  if (!size || std::cmp_not_equal(*size, bytes_)) {
    throw Error(fmt::format("{}: {} bytes were sent, {} lie there", client_->location(key_), bytes_,
                            size.value_or(-1)),
                kStoredOther);
  }
  const Time now = client_->context().clock.now();
  if (is_protected() && !is_locked(client_->settings(), reply, now)) {
    lock_object(*client_, key_, stop_.get_token());  // Ceph 16 minds no lock of a multipart upload
  }
  if (lower(plain_etag(reply.header("etag"))) == etag) return;
  read_back(client_, key_, parts_);
}

void S3Upload::abandon() noexcept {
  if (finished_) return;
  if (note_) note_->leave();
  if (upload_id_.empty()) return;
  try {
    stop_.request_stop();
    senders_.reset();  // waits for parts in flight: after an abort they would be stored again
    const Deadline deadline(kAbortPatience);
    abort_upload(*client_, key_, upload_id_, deadline.token());
    if (note_) note_->take_back();
  } catch (const std::exception& e) {  // the next run ends it
    client_->context().log.debug("an upload could not be aborted", {{"cause", e.what()}});
  }
}

}  // namespace pgstow
