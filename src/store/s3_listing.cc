#include "store/s3_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "store/aws_xml.h"

namespace pgstow {
namespace {

constexpr std::size_t kMostPages = 10'000;                     // of 1,000 entries each
constexpr std::size_t kMostPageBytes = std::size_t{16} << 20;  // 1,000 keys are under 1 MiB

Time time_of(const XmlElement& entry, const std::string& name, const std::string& where) {
  const auto time = parse_rfc3339(entry.text_of(name));
  if (!time) throw Error(fmt::format("{}: a listing's {} is no time", where, name));
  return *time;
}

Object object_of(const XmlElement& entry, const std::string& where) {
  const auto size = parse_int(entry.text_of("Size"));
  if (!size || *size < 0) throw Error(where + ": a listing's Size is no number");
  return {.key = entry.text_of("Key"),
          .size_bytes = static_cast<std::uint64_t>(*size),
          .modified = time_of(entry, "LastModified", where)};
}

struct ListingOf {
  std::string key;  // of an upload's parts; empty: of the bucket
  QueryParameters query;
};

// Pages until one says that it is the last. `next` tells from a page how to ask for the one after
// it. A server that goes round in circles is found by markers that come back.
template <typename Take, typename Next>
void each_page(S3Client& client, const ListingOf& listing, const std::stop_token& stop,
               const Take& take, const Next& next) {
  const std::string where = client.location(listing.key) + ": the listing";
  std::set<QueryParameters> seen;
  QueryParameters more;
  while (seen.insert(more).second) {
    S3Request request{.method = "GET",
                      .key = listing.key,
                      .query = listing.query,
                      .most_reply_bytes = kMostPageBytes};
    request.query.insert(request.query.end(), more.begin(), more.end());
    const S3Reply reply = client.send_ok(request, stop);
    const XmlElement xml = parse_xml(reply.http.body, where);
    take(xml, reply);
    const std::string truncated = xml.text_of("IsTruncated");
    if (truncated == "false") return;
    if (truncated != "true" || seen.size() > kMostPages) {
      throw Error(where + ": the server does not say where it ends");
    }
    more = next(xml);
    if (more.front().second.empty()) {
      throw Error(where + ": the server says that there is more, but not where");
    }
  }
  throw Error(where + ": goes round in circles");
}

QueryParameters next_page(const XmlElement& xml) {
  return {{"continuation-token", xml.text_of("NextContinuationToken")}};
}

ListingOf folder_listing(const std::string& start) {
  return {.key = {}, .query = {{"list-type", "2"}, {"prefix", start}, {"delimiter", "/"}}};
}

}  // namespace

std::vector<Object> list_objects(S3Client& client, const std::string& folder,
                                 std::string_view prefix, const std::stop_token& stop) {
  const std::string start = folder + std::string(prefix);
  const std::string where = client.location("");
  std::vector<Object> objects;
  const auto take = [&](const XmlElement& xml, const S3Reply&) {
    if (xml.name != "ListBucketResult") throw Error(where + ": the listing is none");
    for (const XmlElement* entry : xml.all("Contents")) {
      Object object = object_of(*entry, where);
      if (!object.key.starts_with(start)) {
        throw Error(fmt::format("{}: the listing has \"{}\", which was not asked for", where,
                                printable(object.key)));
      }
      if (object.key.find('/', folder.size()) == std::string::npos) {
        objects.push_back(std::move(object));
      }
    }
  };
  each_page(client, folder_listing(start), stop, take, next_page);
  std::ranges::sort(objects, {}, &Object::key);  // a few servers do not
  const auto twice = std::ranges::adjacent_find(objects, {}, &Object::key);
  if (twice != objects.end()) {
    throw Error(fmt::format("{}: the listing has \"{}\" twice", where, printable(twice->key)));
  }
  return objects;
}

std::vector<std::string> list_folders(S3Client& client, const std::string& folder,
                                      const std::stop_token& stop) {
  std::set<std::string> names;
  const auto take = [&](const XmlElement& xml, const S3Reply&) {
    for (const XmlElement* entry : xml.all("CommonPrefixes")) {
      const std::string prefix = entry->text_of("Prefix");
      if (!prefix.starts_with(folder) || !prefix.ends_with('/')) continue;
      const std::string name = prefix.substr(folder.size());
      if (name.size() > 1) names.insert(name.substr(0, name.size() - 1));
    }
  };
  each_page(client, folder_listing(folder), stop, take, next_page);
  return {names.begin(), names.end()};
}

OpenUploads list_uploads(S3Client& client, const std::string& prefix, const std::stop_token& stop) {
  OpenUploads open;
  const auto take = [&](const XmlElement& xml, const S3Reply& reply) {
    open.now = parse_http_date(reply.header("date"));
    for (const XmlElement* entry : xml.all("Upload")) {
      OpenUpload upload{.key = entry->text_of("Key"),
                        .id = entry->text_of("UploadId"),
                        .initiated = time_of(*entry, "Initiated", client.location(""))};
      if (upload.key.starts_with(prefix)) open.uploads.push_back(std::move(upload));
    }
  };
  const auto next = [](const XmlElement& xml) -> QueryParameters {
    return {{"key-marker", xml.text_of("NextKeyMarker")},
            {"upload-id-marker", xml.text_of("NextUploadIdMarker")}};
  };
  each_page(client, {.key = {}, .query = {{"uploads", ""}, {"prefix", prefix}}}, stop, take, next);
  return open;
}

std::optional<Time> last_part(S3Client& client, const OpenUpload& upload,
                              const std::stop_token& stop) {
  std::optional<Time> last;
  const auto take = [&](const XmlElement& xml, const S3Reply&) {
    for (const XmlElement* part : xml.all("Part")) {
      const Time time = time_of(*part, "LastModified", client.location(upload.key));
      last = std::max(last.value_or(time), time);
    }
  };
  const auto next = [](const XmlElement& xml) -> QueryParameters {
    return {{"part-number-marker", xml.text_of("NextPartNumberMarker")}};
  };
  each_page(client, {.key = upload.key, .query = {{"uploadId", upload.id}}}, stop, take, next);
  return last;
}

}  // namespace pgstow
