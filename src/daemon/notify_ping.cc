#include "daemon/notify_ping.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "daemon/text_limits.h"

namespace pgstow {
namespace {

// Of more, a server at its own defaults keeps the start only.
constexpr std::size_t kMostBody = 10'000;
constexpr std::size_t kMostReply = std::size_t{64} * 1024;
constexpr std::string_view kLimited = "OK (rate limited)";

WebUrl parsed(const std::string& url) {
  try {
    WebUrl made = parse_web_url(url);
    while (made.path.ends_with('/')) made.path.pop_back();
    return made;
  } catch (Error& e) {
    e.within("BACKUP_PING_URL");
    throw;
  }
}

std::string_view suffix_of(Event::Kind kind) {
  if (kind == Event::Kind::kStarted) return "/start";
  if (kind == Event::Kind::kTest) return "/log";
  return is_bad(kind) ? "/fail" : "";
}

// What is no unreserved character (RFC 3986) can't be in a UUID, and is left out.
std::string plain(std::string_view id) {
  std::string text;
  for (const char c : id) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-') {
      text += c;
    }
  }
  return text;
}

std::optional<std::chrono::milliseconds> again(const HttpReply& reply, Time now) {
  if (reply.status == 200 && trim(reply.body) == kLimited) return std::chrono::milliseconds(0);
  return again_by_status(reply, now);
}

// healthchecks.io answers 200 with "OK" and a reason to pings that it did not take.
bool is_taken(const HttpReply& reply) {
  return reply.status >= 200 && reply.status < 300 && !trim(reply.body).starts_with("OK (");
}

std::string hint_for(const HttpReply& reply) {
  if (reply.status == 409)
    return "several checks have this name: use the URL with the check's UUID";
  const bool missing = reply.status == 404 || trim(reply.body) == "OK (not found)";
  return missing ? "BACKUP_PING_URL names no check: look it up in the service's pages" : "";
}

}  // namespace

PingNotifier::PingNotifier(const std::string& url, NotifyBasics basics)
    : basics_(std::move(basics)),
      url_(parsed(url)),
      sender_(basics_.http, basics_.patience, secrets_of(url, url_)) {}

std::string PingNotifier::url_for(const Event& event) const {
  WebUrl url = url_;
  url.path += suffix_of(event.kind);
  const std::string id = plain(event.run_id);
  if (!id.empty()) url.query += fmt::format("{}rid={}", url.query.empty() ? "" : "&", id);
  return url.text();
}

std::string PingNotifier::body_for(const Event& event) const {
  if (event.kind == Event::Kind::kStarted) return {};
  std::string text = basics_.wording.message(event).text;
  if (is_bad(event.kind) && !event.log_tail.empty()) {
    const std::string head = cut_to_bytes(text, kMostBody / 2) + "\n\n";
    return head + tail_of(printable_lines(event.log_tail), kMostBody - head.size());
  }
  return cut_to_bytes(text, kMostBody);
}

void PingNotifier::send(const Event& event, const Context& context) {
  const auto make = [&] {
    Outgoing outgoing{.request = {.method = "POST",
                                  .url = url_for(event),
                                  .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                                              {"User-Agent", "pgstow/" PGSTOW_VERSION}},
                                  .body = {},
                                  .most_reply_bytes = kMostReply},
                      .body = body_for(event)};
    if (!url_.authorization.empty()) {
      outgoing.request.headers.push_back({"Authorization", url_.authorization});
    }
    return outgoing;
  };
  const HttpReply reply = sender_.send(make, again, context);
  if (!is_taken(reply)) throw Error("ping: " + sender_.what_came(reply), hint_for(reply));
}

}  // namespace pgstow
