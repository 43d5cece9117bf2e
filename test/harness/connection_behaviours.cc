// Replies that come late, in pieces, by half or not at all.
#include <fmt/format.h>

#include "harness/s3_behaviour.h"

namespace pgstow::test {
namespace {

using enum Operation;

// Whose replies have bytes after the head.
const std::set<Operation> kWithBody = {kGetObject, kCreateUpload, kCompleteUpload,
                                       kListParts, kListUploads,  kListObjects};
const std::set<Operation> kSending = {kPutObject, kUploadPart, kCompleteUpload};

void reset_at_once(S3Exchange& exchange) {
  exchange.read_body();
  exchange.last = true;
  exchange.peer().reset();
}

void reset_while_reading(S3Exchange& exchange) {
  exchange.reader().body(exchange.call.http, exchange.call.http.length() / 2);
  exchange.last = true;
  exchange.peer().reset();
}

void reset_in_mid_reply(S3Exchange& exchange) {
  const std::string text = exchange.text(exchange.carry_out());
  exchange.peer().send(std::string_view(text).substr(0, text.size() / 2));
  exchange.last = true;
  exchange.peer().reset();
}

void do_and_reset(S3Exchange& exchange) {
  exchange.carry_out();
  exchange.last = true;
  exchange.peer().reset();
}

void do_and_close(S3Exchange& exchange) {
  exchange.carry_out();
  exchange.last = true;
}

void stall(S3Exchange& exchange) {
  exchange.read_body();
  exchange.peer().stall();
}

void do_and_stall(S3Exchange& exchange) {
  exchange.carry_out();
  exchange.peer().stall();
}

void stall_in_mid_reply(S3Exchange& exchange) {
  const std::string text = exchange.text(exchange.carry_out());
  exchange.peer().send(std::string_view(text).substr(0, text.size() / 2));
  exchange.peer().stall();
}

void stop_reading(S3Exchange& exchange) {
  exchange.reader().body(exchange.call.http, 1);
  exchange.peer().stall();
}

void trickle(S3Exchange& exchange) {
  const std::string text = exchange.text(exchange.carry_out());
  for (const char& byte : text) {
    exchange.peer().send({&byte, 1});
    exchange.peer().pause(exchange.world().trickle_pause);
  }
}

void never_continue(S3Exchange& exchange) {
  exchange.reader().body(exchange.call.http, UINT64_MAX, false);
  exchange.reply(exchange.carry_out());
}

void close_as_told(S3Exchange& exchange) {
  S3Reply reply = exchange.carry_out();
  reply.headers["connection"] = "close";
  exchange.reply(reply);
  exchange.last = true;
}

// The client believes in the connection until its next request.
void close_without_a_word(S3Exchange& exchange) {
  exchange.reply(exchange.carry_out());
  exchange.last = true;
}

void speak_http_1_0(S3Exchange& exchange) {
  const S3Reply reply = exchange.dressed(exchange.carry_out());
  exchange.peer().send(reply_text(reply, exchange.call.http.method, "HTTP/1.0"));
  exchange.last = true;
}

void end_short(S3Exchange& exchange) {
  S3Reply reply = exchange.carry_out();
  reply.headers["content-length"] = std::to_string(reply.body.size() + 1000);
  exchange.reply(reply);
  exchange.last = true;
}

void send_too_much(S3Exchange& exchange) {
  S3Reply reply = exchange.carry_out();
  reply.headers["content-length"] = std::to_string(reply.body.size() / 2);
  exchange.reply(reply);
}

void answer_twice(S3Exchange& exchange) {
  const S3Reply reply = exchange.dressed(exchange.carry_out());
  exchange.reply(reply);
  exchange.reply(reply);
}

// The next request may be on its way already.
void answer_twice_late(S3Exchange& exchange) {
  const S3Reply reply = exchange.dressed(exchange.carry_out());
  exchange.reply(reply);
  exchange.peer().pause(std::chrono::milliseconds(5));
  exchange.reply(reply);
}

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

void begin_chunks(S3Exchange& exchange, S3Reply reply) {
  reply.headers["transfer-encoding"] = "chunked";
  exchange.peer().send(reply_head(exchange.dressed(std::move(reply))));
}

void leave_out_last_chunk(S3Exchange& exchange) {
  const S3Reply reply = exchange.carry_out();
  begin_chunks(exchange, reply);
  if (!reply.body.empty()) exchange.peer().send(chunk(reply.body));
  exchange.last = true;
}

// A right reply whose length is not known before.
void send_chunked(S3Exchange& exchange) {
  const S3Reply reply = exchange.carry_out();
  begin_chunks(exchange, reply);
  if (!reply.body.empty()) exchange.peer().send(chunk(reply.body));
  exchange.peer().send(chunk(""));
}

void never_end_body(S3Exchange& exchange) {
  const S3Reply reply = exchange.carry_out();
  begin_chunks(exchange, reply);
  const std::string more = chunk(std::string(65'536, ' '));
  if (!reply.body.empty()) exchange.peer().send(chunk(reply.body));
  for (;;) exchange.peer().send(more);
}

void never_end_headers(S3Exchange& exchange) {
  exchange.carry_out();
  exchange.peer().send("HTTP/1.1 200 OK\r\n");
  for (int i = 0;; ++i) {
    exchange.peer().send(fmt::format("x-more-{}: {}\r\n", i, std::string(1000, 'x')));
  }
}

}  // namespace

std::vector<Behaviour> connection_behaviours() {
  using enum Behaviour::Carried;
  return {
      {"reset before the reply", kNo, false, {}, reset_at_once},
      {"reset while reading the request", kNo, false, kSending, reset_while_reading},
      {"reset in mid-reply", kYes, false, {}, reset_in_mid_reply},
      {"reset after doing it", kYes, false, {}, do_and_reset},
      {"close after doing it", kYes, false, {}, do_and_close},
      {"silence", kNo, false, {}, stall},
      {"silence after doing it", kYes, false, {}, do_and_stall},
      {"silence in mid-reply", kYes, false, {}, stall_in_mid_reply},
      {"request not read to its end", kNo, false, kSending, stop_reading},
      {"reply in a trickle", kYes, true, {}, trickle},
      {"100-continue never sent", kYes, true, kSending, never_continue},
      {"Connection: close", kYes, true, {}, close_as_told},
      {"close after the reply", kYes, true, {}, close_without_a_word},
      {"HTTP/1.0", kYes, true, {}, speak_http_1_0},
      {"chunked reply", kYes, true, kWithBody, send_chunked},
      {"body shorter than announced", kYes, false, kWithBody, end_short},
      {"body longer than announced", kYes, false, kWithBody, send_too_much},
      {"reply sent twice", kYes, false, {}, answer_twice},
      {"reply sent twice, late", kYes, false, {}, answer_twice_late},
      {"chunked without last chunk", kYes, false, kWithBody, leave_out_last_chunk},
      {"endless body", kYes, false, kWithBody, never_end_body},
      {"endless headers", kYes, false, {}, never_end_headers},
  };
}

}  // namespace pgstow::test
