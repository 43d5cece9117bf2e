// Listings that can't be true.
#include <fmt/format.h>

#include <algorithm>

#include "harness/s3_behaviour.h"

namespace pgstow::test {
namespace {

using enum Operation;

const std::set<Operation> kListings = {kListParts, kListUploads, kListObjects};
const std::set<Operation> kOfKeys = {kListUploads, kListObjects};

// What an entry is called in each listing, and what names the next page in reply and request.
struct Words {
  std::string_view entry;
  std::vector<std::pair<std::string_view, std::string_view>> next;
};

Words words_of(Operation listing) {
  if (listing == kListObjects) {
    return {"Contents", {{"NextContinuationToken", "continuation-token"}}};
  }
  if (listing == kListUploads) {
    return {"Upload",
            {{"NextKeyMarker", "key-marker"}, {"NextUploadIdMarker", "upload-id-marker"}}};
  }
  return {"Part", {{"NextPartNumberMarker", "part-number-marker"}}};
}

// <name>...</name> from `from` on; an empty place at the end when there is none.
struct Place {
  std::size_t at;
  std::size_t size;
};

Place find_element(const std::string& xml, std::string_view name, std::size_t from = 0) {
  const std::string close = fmt::format("</{}>", name);
  const std::size_t at = xml.find(fmt::format("<{}>", name), from);
  if (at == std::string::npos) return {xml.size(), 0};
  return {at, xml.find(close, at) + close.size() - at};
}

void erase_element(std::string& xml, std::string_view name) {
  const Place place = find_element(xml, name);
  xml.erase(place.at, place.size);
}

std::vector<std::string> take_entries(std::string& xml, std::string_view name) {
  std::vector<std::string> out;
  for (Place place = find_element(xml, name); place.size > 0; place = find_element(xml, name)) {
    out.push_back(xml.substr(place.at, place.size));
    xml.erase(place.at, place.size);
  }
  return out;
}

void append_entries(std::string& xml, const std::vector<std::string>& entries) {
  std::string all;
  for (const std::string& entry : entries) all += entry;
  xml.insert(xml.rfind("</"), all);
}

void say_truncated(std::string& xml) {
  erase_element(xml, "IsTruncated");
  append_entries(xml, {"<IsTruncated>true</IsTruncated>"});
}

std::function<void(S3Exchange&)> listing(std::function<void(const S3Call&, std::string&)> change) {
  return [change = std::move(change)](S3Exchange& exchange) {
    S3Reply reply = exchange.carry_out();
    if (reply.ok()) change(exchange.call, reply.body);
    exchange.reply(reply);
  };
}

void lose_token(const S3Call& call, std::string& xml) {
  for (const auto& [element, parameter] : words_of(call.operation).next) {
    erase_element(xml, element);
  }
  say_truncated(xml);
}

// Always the first page, and always the same way on.
void turn_in_circles(S3Exchange& exchange) {
  if (auto reply = exchange.refusal()) return exchange.reply(*reply);
  const Words words = words_of(exchange.call.operation);
  for (const auto& [element, parameter] : words.next) {
    exchange.call.query.erase(std::string(parameter));
  }
  S3Reply reply = exchange.apply();
  if (reply.ok()) {
    lose_token(exchange.call, reply.body);
    for (const auto& [element, parameter] : words.next) {
      append_entries(reply.body, {fmt::format("<{0}>1</{0}>", element)});
    }
  }
  exchange.reply(reply);
}

void add_foreign_key(const S3Call& call, std::string& xml) {
  constexpr std::string_view kForeign = "~foreign/key";
  append_entries(xml,
                 {call.operation == kListObjects
                      ? fmt::format("<Contents><Key>{}</Key><LastModified>2020-01-01T00:00:00.000Z"
                                    "</LastModified><ETag>\"x\"</ETag><Size>1</Size></Contents>",
                                    kForeign)
                      : fmt::format("<Upload><Key>{}</Key><UploadId>foreign</UploadId><Initiated>"
                                    "2020-01-01T00:00:00.000Z</Initiated></Upload>",
                                    kForeign)});
}

void reverse(const S3Call& call, std::string& xml) {
  std::vector<std::string> entries = take_entries(xml, words_of(call.operation).entry);
  std::ranges::reverse(entries);
  append_entries(xml, entries);
}

void hide_last(const S3Call& call, std::string& xml) {
  std::vector<std::string> entries = take_entries(xml, words_of(call.operation).entry);
  if (!entries.empty()) entries.pop_back();
  append_entries(xml, entries);
}

void repeat_entries(const S3Call& call, std::string& xml) {
  const std::vector<std::string> entries = take_entries(xml, words_of(call.operation).entry);
  append_entries(xml, entries);
  append_entries(xml, entries);
}

}  // namespace

std::vector<Behaviour> listing_behaviours() {
  using enum Behaviour::Carried;
  return {
      {"truncated without a token", kWrongly, false, kListings, listing(lose_token)},
      {"the same token for ever", kWrongly, false, kListings, turn_in_circles},
      {"a key outside the prefix", kWrongly, false, kOfKeys, listing(add_foreign_key)},
      {"entries in reverse order", kWrongly, false, kListings, listing(reverse)},
      {"the last entry is missing", kWrongly, false, kListings, listing(hide_last)},
      {"entries listed twice", kWrongly, false, kListings, listing(repeat_entries)},
  };
}

}  // namespace pgstow::test
