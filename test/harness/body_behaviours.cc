// Replies of success whose body or headers are not what they should be.
#include <fmt/format.h>

#include "harness/s3_behaviour.h"

namespace pgstow::test {
namespace {

using enum Operation;

const std::set<Operation> kXml = {kCreateUpload, kCompleteUpload, kListParts, kListUploads,
                                  kListObjects};
const std::set<Operation> kWithEtag = {kPutObject, kUploadPart, kGetObject, kHeadObject};

constexpr std::string_view kPadding = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr int kBlanks = 5;

// As S3 does when assembling takes long: a 200 at once, and blanks that keep the connection alive.
void send_after_blanks(S3Exchange& exchange, const std::string& body) {
  S3Reply reply{.status = 200, .headers = {{"content-type", "application/xml"}}, .body = {}};
  const std::size_t size = kPadding.size() + kBlanks + body.size();
  reply.headers["content-length"] = std::to_string(size);
  exchange.peer().send(exchange.text(reply) + std::string(kPadding));
  for (int i = 0; i < kBlanks; ++i) {
    exchange.peer().send("\n");
    exchange.peer().pause(exchange.world().trickle_pause);
  }
  exchange.peer().send(body);
}

std::string without_declaration(const std::string& xml) { return xml.substr(xml.find('\n') + 1); }

S3Reply error_in_200() {
  return xml_reply(without_declaration(error_xml("InternalError", "sorry")));
}

void succeed_with_error(S3Exchange& exchange) {
  exchange.read_body();
  exchange.reply(error_in_200());
}

void do_and_succeed_with_error(S3Exchange& exchange) {
  exchange.carry_out();
  exchange.reply(error_in_200());
}

void send_error_after_blanks(S3Exchange& exchange) {
  exchange.read_body();
  send_after_blanks(exchange, without_declaration(error_xml("InternalError", "sorry")));
}

void send_result_after_blanks(S3Exchange& exchange) {
  const S3Reply reply = exchange.carry_out();
  if (reply.ok()) {
    send_after_blanks(exchange, without_declaration(reply.body));
  } else {
    exchange.reply(reply);
  }
}

// Plays the request well and sends a changed reply.
std::function<void(S3Exchange&)> changing(std::function<void(S3Reply&)> change) {
  return [change = std::move(change)](S3Exchange& exchange) {
    S3Reply reply = exchange.carry_out();
    change(reply);
    exchange.reply(reply);
  };
}

void spoil_xml(S3Reply& reply) {
  reply.body = reply.body.substr(0, reply.body.size() * 2 / 3) + "<";
}

void swap_for_html(S3Reply& reply) {
  reply.headers["content-type"] = "text/html";
  reply.body = "<!doctype html><html><body><p>Please log in to the network.<br></body></html>";
}

// "A billion laughs": each entity is ten of the one before.
void plant_bomb(S3Reply& reply) {
  std::string entities = "<!ENTITY e0 \"laugh\">";
  for (int i = 1; i < 10; ++i) {
    entities += fmt::format("<!ENTITY e{} \"", i);
    for (int k = 0; k < 10; ++k) entities += fmt::format("&e{};", i - 1);
    entities += "\">";
  }
  const std::string inner = without_declaration(reply.body);
  const std::size_t at = inner.find('>') + 1;
  reply.body = fmt::format("{}<!DOCTYPE r [{}]>{}<Key>&e9;</Key>{}", kPadding, entities,
                           inner.substr(0, at), inner.substr(at));
}

void drop_upload_id(S3Reply& reply) {
  const std::size_t begin = reply.body.find("<UploadId>");
  const std::size_t end = reply.body.find("</UploadId>");
  if (begin != std::string::npos) reply.body.erase(begin, end + 11 - begin);
}

void ignore_range(S3Exchange& exchange) {
  if (auto reply = exchange.refusal()) return exchange.reply(*reply);
  exchange.call.http.headers.erase("range");
  exchange.reply(exchange.apply());
}

void ignore_conditions(S3Exchange& exchange) {
  if (auto reply = exchange.refusal()) return exchange.reply(*reply);
  exchange.call.http.headers.erase("if-match");
  exchange.call.http.headers.erase("if-none-match");
  exchange.reply(exchange.apply());
}

void shift_content_range(S3Reply& reply) {
  const auto at = reply.headers.find("content-range");
  if (at == reply.headers.end()) return;
  const std::string text = at->second;  // "bytes 3-9/10"
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  at->second =
      fmt::format("bytes {}-{}{}", std::stoull(text.substr(6, dash - 6)) + 1,
                  std::stoull(text.substr(dash + 1, slash - dash - 1)) + 1, text.substr(slash));
}

// Half of the range that was asked for, honestly labelled.
void send_half(S3Exchange& exchange) {
  if (auto reply = exchange.refusal()) return exchange.reply(*reply);
  S3Reply reply = exchange.apply();
  const auto range = reply.headers.find("content-range");
  reply.body.resize(reply.body.size() / 2);
  if (range != reply.headers.end()) {
    const std::string text = range->second;
    const std::size_t first = std::stoull(text.substr(6));
    range->second = fmt::format("bytes {}-{}{}", first, first + reply.body.size() - 1,
                                text.substr(text.find('/')));
  }
  exchange.reply(reply);
}

// The object was replaced by one of the same size, and the condition was not heard.
void send_other_version(S3Exchange& exchange) {
  if (auto reply = exchange.refusal()) return exchange.reply(*reply);
  exchange.call.http.headers.erase("if-match");
  S3Reply reply = exchange.apply();
  if (reply.ok()) {
    for (char& c : reply.body) c = static_cast<char>(c ^ 0x55);
    reply.headers["etag"] = "\"00000000000000000000000000000000\"";
  }
  exchange.reply(reply);
}

void flip_a_byte(S3Reply& reply) {
  if (!reply.ok() || reply.body.empty()) return;
  char& byte = reply.body[reply.body.size() / 2];
  byte = static_cast<char>(byte ^ 1);
}

void grow_length(S3Reply& reply) {
  reply.headers["content-length"] = std::to_string(reply.body.size() + 1);
}

}  // namespace

std::vector<Behaviour> body_behaviours() {
  using enum Behaviour::Carried;
  const auto drop_etag = [](S3Reply& reply) { reply.headers.erase("etag"); };
  const auto empty = [](S3Reply& reply) { reply.body.clear(); };
  return {
      {"200 with an error in it", kNo, false, {kCompleteUpload}, succeed_with_error},
      {"200 with an error in it, but done",
       kYes,
       false,
       {kCompleteUpload},
       do_and_succeed_with_error},
      {"200, blanks, and an error", kNo, false, {kCompleteUpload}, send_error_after_blanks},
      {"200, blanks, and the result", kYes, true, {kCompleteUpload}, send_result_after_blanks},
      {"200 with an empty body", kYes, false, kXml, changing(empty)},
      {"malformed XML", kYes, false, kXml, changing(spoil_xml)},
      {"HTML of a login page", kYes, false, kXml, changing(swap_for_html)},
      {"XML with an entity bomb", kYes, false, kXml, changing(plant_bomb)},
      {"no upload id", kYes, false, {kCreateUpload}, changing(drop_upload_id)},
      {"no ETag", kYes, false, kWithEtag, changing(drop_etag)},
      {"range not heard", kWrongly, false, {kGetObject}, ignore_range},
      {"conditions not heard",
       kWrongly,
       false,
       {kPutObject, kCompleteUpload, kGetObject},
       ignore_conditions},
      {"wrong Content-Range", kYes, false, {kGetObject}, changing(shift_content_range)},
      {"half of the range", kWrongly, false, {kGetObject}, send_half},
      {"bytes of another version", kWrongly, false, {kGetObject}, send_other_version},
      {"a flipped bit in what is read", kWrongly, false, {kGetObject}, changing(flip_a_byte)},
      {"HEAD tells another size", kWrongly, false, {kHeadObject}, changing(grow_length)},
  };
}

}  // namespace pgstow::test
