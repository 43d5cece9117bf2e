#include "store/s3_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "store/random_id.h"
#include "store/s3_digest.h"
#include "store/s3_keeping.h"

namespace pgstow {
namespace {

constexpr std::string_view kKey = ".names";  // hidden: no object of the store's
constexpr std::size_t kMostNames = 64;
constexpr int kTries = 20;

// A line is a name and who took it.
struct Names {
  std::vector<std::string> lines;
  std::string etag;  // as the server gave it; empty: there is no such object yet
};

Names read_names(S3Client& client, const std::string& key, const std::stop_token& stop) {
  const S3Request request{.method = "GET", .key = key};
  const S3Reply reply = client.send(request, stop);
  if (reply.status == 404 && reply.code != "NoSuchBucket") return {};
  if (!reply.ok()) client.fail(request, reply);
  Names names{.lines = {}, .etag = reply.header("etag")};
  for (const std::string_view line : split(reply.http.body, '\n')) {
    if (!line.empty()) names.lines.emplace_back(line);
  }
  return names;
}

// Who has the name; empty: nobody.
std::string owner_of(const Names& names, std::string_view name) {
  const std::string start = std::string(name) + ' ';
  const auto found = std::ranges::find_if(
      names.lines, [&](const std::string& line) { return line.starts_with(start); });
  return found == names.lines.end() ? "" : found->substr(start.size());
}

// One run's wish for a name.
class Taking {
 public:
  Taking(S3Client& client, std::string_view name, const std::stop_token& stop)
      : client_(client),
        name_(name),
        stop_(stop),
        key_(client.settings().prefix + std::string(kKey)),
        writer_(random_id()) {}

  void run() {
    for (int tries = 0; tries < kTries; ++tries) {
      Names names = read_names(client_, key_, stop_);
      if (is_ours(names) || add_to(names)) return;
    }
    throw Transient(client_.location(key_) + ": others write there all the time");
  }

 private:
  // Ours already, when the answer to a write was lost.
  bool is_ours(const Names& names) const {
    const std::string owner = owner_of(names, name_);
    if (owner.empty() || owner == writer_) return !owner.empty();
    throw Exists(fmt::format("{}: another run has taken this name",
                             client_.location(client_.settings().prefix + name_)));
  }

  bool add_to(Names& names) {
    // Nobody was faster, and yet it was refused: Ceph wants the tag without its quotes.
    if (!refused_.empty() && refused_ == names.etag) quoted_ = !quoted_;
    names.lines.push_back(fmt::format("{} {}", name_, writer_));
    if (names.lines.size() > kMostNames) names.lines.erase(names.lines.begin());
    const std::string text = join(names.lines, "\n") + "\n";
    S3Request request{.method = "PUT",
                      .key = key_,
                      .headers = keeping_headers(client_.settings(), key_, text.size()),
                      .body = text};
    request.headers.push_back({"Content-Type", "text/plain"});
    request.headers.push_back({"Content-MD5", base64(md5(text))});
    if (conditional_) request.headers.push_back(condition(names));
    const S3Reply reply = client_.send(request, stop_);
    if (reply.ok()) return true;
    refused_ = names.etag;
    const bool knows_none = reply.status == 501 || reply.status == 400;
    const bool too_late = reply.status == 412 || reply.status == 404;
    if (!too_late && !(knows_none && conditional_)) client_.fail(request, reply);
    if (knows_none) conditional_ = false;
    return false;
  }

  HttpHeader condition(const Names& names) const {
    if (names.etag.empty()) return {"If-None-Match", "*"};
    return {"If-Match", quoted_ ? names.etag : plain_etag(names.etag)};
  }

  S3Client& client_;
  const std::string name_;
  const std::stop_token& stop_;
  const std::string key_;
  const std::string writer_;
  std::string refused_;  // the tag of what was there when a write was refused
  bool quoted_ = true;
  bool conditional_ = true;
};

}  // namespace

void take_name(S3Client& client, std::string_view name, const std::stop_token& stop) {
  Taking(client, name, stop).run();
}

}  // namespace pgstow
