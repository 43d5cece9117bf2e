// Servers that say "done" and have stored something else.
#include <utility>

#include "harness/s3_behaviour.h"
#include "harness/sigv4.h"

namespace pgstow::test {
namespace {

using enum Operation;

// Checks the request as sent, then changes what is done.
std::function<void(S3Exchange&)> doing_otherwise(std::function<void(S3Exchange&)> change) {
  return [change = std::move(change)](S3Exchange& exchange) {
    if (auto reply = exchange.refusal()) return exchange.reply(*reply);
    change(exchange);
    exchange.reply(exchange.apply());
  };
}

void cut_body(S3Exchange& exchange) {
  std::string& body = exchange.call.http.body;
  if (!body.empty()) body.pop_back();
}

void flip_body(S3Exchange& exchange) {
  std::string& body = exchange.call.http.body;
  exchange.call.claimed_etag = md5_hex(body);
  if (!body.empty()) body[body.size() / 2] = static_cast<char>(body[body.size() / 2] ^ 1);
}

void edit_parts(S3Exchange& exchange, void (*edit)(std::map<int, StoredPart>&)) {
  exchange.world().memory.edit_upload(exchange.call.parameter("uploadId"),
                                      [&](OpenUpload& upload) { edit(upload.parts); });
}

// Its ETag stays, and so the object's ETag is that of all parts.
void lose_last_part(S3Exchange& exchange) {
  edit_parts(exchange, [](std::map<int, StoredPart>& parts) {
    if (!parts.empty()) parts.rbegin()->second.bytes.clear();
  });
}

// With one part, nothing changes.
void exchange_parts(S3Exchange& exchange) {
  edit_parts(exchange, [](std::map<int, StoredPart>& parts) {
    if (parts.size() > 1) {
      std::swap(parts.begin()->second.bytes, std::next(parts.begin())->second.bytes);
    }
  });
}

void only_say_so(S3Exchange& exchange) {
  if (auto reply = exchange.refusal()) return exchange.reply(*reply);
  exchange.reply({.status = 204, .headers = {}, .body = {}});
}

void lose_after_storing(S3Exchange& exchange) {
  const S3Reply reply = exchange.carry_out();
  S3Call removal = exchange.call;
  removal.operation = kDeleteObject;
  if (reply.ok()) exchange.world().memory.carry_out(removal);
  exchange.reply(reply);
}

}  // namespace

std::vector<Behaviour> storage_behaviours() {
  using enum Behaviour::Carried;
  const std::set<Operation> sending = {kPutObject, kUploadPart};
  const std::set<Operation> making = {kPutObject, kCompleteUpload};
  return {
      {"stores one byte less", kWrongly, false, sending, doing_otherwise(cut_body)},
      {"stores a flipped bit, with the right ETag", kWrongly, false, sending,
       doing_otherwise(flip_body)},
      {"loses the last part", kWrongly, false, {kCompleteUpload}, doing_otherwise(lose_last_part)},
      {"joins the parts in another order",
       kWrongly,
       false,
       {kCompleteUpload},
       doing_otherwise(exchange_parts)},
      {"loses what it stored", kWrongly, false, making, lose_after_storing},
      {"removes nothing, but says so", kWrongly, false, {kDeleteObject, kAbortUpload}, only_say_so},
  };
}

}  // namespace pgstow::test
