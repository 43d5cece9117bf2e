#include "store/s3_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "store/folder.h"
#include "store/part.h"
#include "store/s3_download.h"
#include "store/s3_keeping.h"
#include "store/s3_listing.h"
#include "store/s3_multipart.h"
#include "store/s3_names.h"
#include "store/s3_upload.h"
#include "store/upload_note.h"

namespace pgstow {
namespace {

constexpr std::chrono::hours kStale{24};
constexpr std::string_view kOurs = "backup_";  // what our uploads' keys begin with

// Whether it is a name that only we give: "backup_20261127_030000" and one of our ends. Others,
// too, may have backups in that folder.
bool is_ours(std::string_view name) {
  constexpr std::string_view kShape = "00000000_000000";
  constexpr std::array<std::string_view, 7> kEnds{
      ".dump.gz",       ".dump.zst",    ".json",    ".globals.sql.gz",
      ".verified.json", ".missed.json", ".pin.json"};
  if (!name.starts_with(kOurs)) return false;
  const std::string_view stamp = name.substr(kOurs.size()).substr(0, kShape.size());
  const bool fits = std::ranges::equal(stamp, kShape, [](char c, char shape) {
    return shape == '0' ? c >= '0' && c <= '9' : c == shape;
  });
  return fits && std::ranges::find(kEnds, name.substr(kOurs.size() + kShape.size())) != kEnds.end();
}

}  // namespace

S3Store::S3Store(S3Settings settings, std::unique_ptr<Credentials> credentials,
                 const Context& context)
    : client_(std::make_shared<S3Client>(std::move(settings), std::move(credentials), context,
                                         std::random_device{}())) {}

std::string S3Store::full_key(std::string_view key) const {
  if (is_plain_name(key) && key.size() <= kMaxKeyBytes) {
    return client_->settings().prefix + std::string(key);
  }
  throw Error(fmt::format("{}: '{}' can't be the name of an object", location(""), printable(key)));
}

std::string S3Store::location(std::string_view key) const {
  return client_->location(client_->settings().prefix + std::string(key));
}

std::unique_ptr<Sink> S3Store::create(std::string_view key, Existing existing) {
  return std::make_unique<S3Upload>(client_, full_key(key), existing);
}

void S3Store::reserve(std::string_view stem) { take_name(*client_, stem, client_->context().stop); }

void S3Store::protect(std::string_view key) {
  lock_object(*client_, full_key(key), client_->context().stop);
}

std::unique_ptr<Source> S3Store::open(std::string_view key, Range range) {
  return std::make_unique<S3Download>(client_, full_key(key), range);
}

std::vector<Object> S3Store::list(std::string_view prefix) {
  const std::string& folder = client_->settings().prefix;
  std::vector<Object> objects = list_objects(*client_, folder, prefix, client_->context().stop);
  for (Object& object : objects) object.key.erase(0, folder.size());
  std::erase_if(objects, [](const Object& object) {
    return object.key.empty() || object.key.starts_with('.');
  });
  return objects;
}

std::vector<std::string> S3Store::folders() {
  return list_folders(*client_, client_->settings().prefix, client_->context().stop);
}

void S3Store::remove(std::string_view key) {
  const S3Request request{.method = "DELETE", .key = full_key(key)};
  const S3Reply reply = client_->send(request, client_->context().stop);
  if (!reply.ok() && reply.code != "NoSuchKey") client_->fail(request, reply);
  if (reply.header("x-amz-delete-marker") == "true") hides_removed_ = true;
}

int S3Store::clear_leftovers() { return end_noted() + end_stale(); }

// What may not be aborted is said once.
int S3Store::end_noted() {
  const std::filesystem::path& notes = client_->settings().notes;
  const Context& context = client_->context();
  int ended = 0;
  if (notes.empty()) return ended;
  end_noted_uploads(notes, client_->place(), context.clock.now(), [&](const NotedUpload& upload) {
    try {
      if (abort_upload(*client_, upload.key, upload.upload_id, context.stop)) ++ended;
      return true;
    } catch (const NotAllowed& e) {
      if (upload.refused) return false;
      context.log.info(
          "a dead run's upload may not be aborted: it is left to the bucket's lifecycle rule "
          "AbortIncompleteMultipartUpload",
          {{"object", client_->location(upload.key)}, {"cause", e.what()}});
      return false;
    }
  });
  return ended;
}

// Nothing tells whose an upload is: two hosts may be bringing the same backup there. But a living
// run sends a part now and then; the first one, too, may be large, and its link slow. Where that
// can't be seen, nothing is taken for dead.
bool S3Store::is_stale(const OpenUpload& upload, Time now) {
  try {
    const auto moved = last_part(*client_, upload, client_->context().stop);
    return now - moved.value_or(upload.initiated) >= kStale;
  } catch (const NotAllowed& e) {
    client_->context().log.debug("an old upload is left: its parts may not be seen",
                                 {{"object", client_->location(upload.key)}, {"cause", e.what()}});
    return false;
  }
}

// Of other hosts, or of ours without notes.
int S3Store::end_stale() {
  int ended = 0;
  const Context& context = client_->context();
  const std::string& folder = client_->settings().prefix;
  try {
    const OpenUploads open = list_uploads(*client_, folder + std::string(kOurs), context.stop);
    const Time now = open.now.value_or(context.clock.now());
    for (const OpenUpload& upload : open.uploads) {
      if (now - upload.initiated < kStale || !is_ours(upload.key.substr(folder.size()))) continue;
      if (!is_stale(upload, now)) continue;
      if (abort_upload(*client_, upload.key, upload.id, context.stop)) ++ended;
    }
  } catch (const NotAllowed& e) {
    context.log.debug("old uploads can't be listed or aborted", {{"cause", e.what()}});
  } catch (const NotFound& e) {  // ended by somebody else meanwhile
    context.log.debug("an upload is gone", {{"cause", e.what()}});
  }
  return ended;
}

}  // namespace pgstow
