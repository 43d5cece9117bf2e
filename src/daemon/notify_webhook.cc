#include "daemon/notify_webhook.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <utility>

#include "base/text.h"
#include "daemon/encoded_word.h"
#include "daemon/text_limits.h"
#include "daemon/webhook_payload.h"

namespace pgstow {
namespace {

using Format = WebhookSettings::Format;

constexpr std::size_t kMostReply = std::size_t{256} * 1024;
constexpr std::size_t kMostNtfy = 4'000;  // of more it makes an attachment

WebUrl parsed(const std::string& url) {
  try {
    return parse_web_url(url);
  } catch (Error& e) {
    e.within("BACKUP_WEBHOOK_URL");
    throw;
  }
}

std::vector<std::string> secrets_of(const WebhookSettings& settings, const WebUrl& url) {
  std::vector<std::string> secrets = secrets_of(settings.url, url);
  secrets.push_back(settings.secret);
  return secrets;
}

std::string body_of(Format format, const Event& event, const Message& message) {
  switch (format) {
    case Format::kJson:
      return event_json(event, message);
    case Format::kSlack:
      return slack_json(message);
    case Format::kDiscord:
      return discord_json(message);
    case Format::kNtfy:
      break;
  }
  return cut_to_bytes(message.text, kMostNtfy);
}

// ntfy takes what is no ASCII as encoded words.
std::vector<HttpHeader> headers_of(Format format, const Event& event, const Message& message) {
  std::vector<HttpHeader> headers = {{"User-Agent", "pgstow/" PGSTOW_VERSION}};
  if (format != Format::kNtfy) {
    headers.push_back({"Content-Type", "application/json"});
    if (format == Format::kJson) {
      headers.push_back({"X-Pgstow-Event", std::string(to_string(event.kind))});
    }
    return headers;
  }
  const bool bad = is_bad(event.kind);
  headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
  headers.push_back({"Title", encoded_words(message.title, " ")});
  headers.push_back({"Priority", bad                                ? "high"
                                 : event.kind == Event::Kind::kTest ? "default"
                                                                    : "low"});
  headers.push_back({"Tags", bad ? "rotating_light" : "white_check_mark"});
  return headers;
}

std::string hint_for(int status) {
  if (status == 404 || status == 410) return "BACKUP_WEBHOOK_URL is not, or no longer, taken there";
  if (status == 401 || status == 403) return "look at the token or password in BACKUP_WEBHOOK_URL";
  if (status == 400) return "does BACKUP_WEBHOOK_FORMAT fit this receiver?";
  return {};
}

}  // namespace

WebhookSettings::Format parse_webhook_format(std::string_view text) {
  const std::string word = lower(text);
  if (word == "json") return Format::kJson;
  if (word == "slack") return Format::kSlack;
  if (word == "discord") return Format::kDiscord;
  if (word == "ntfy") return Format::kNtfy;
  throw ConfigError(fmt::format("BACKUP_WEBHOOK_FORMAT: \"{}\" is none", text),
                    "json, slack, discord or ntfy");
}

std::string webhook_signature(std::string_view secret, std::string_view timestamp,
                              std::string_view body) {
  const std::string text = fmt::format("{}.{}", timestamp, body);
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(),
             reinterpret_cast<unsigned char*>(mac.data()), &size) == nullptr) {
    throw Error("webhook: openssl can't sign");
  }
  return hex(std::string_view(mac).substr(0, size));
}

WebhookNotifier::WebhookNotifier(const WebhookSettings& settings, NotifyBasics basics)
    : basics_(std::move(basics)),
      url_(parsed(settings.url)),
      settings_(settings),
      sender_(basics_.http, basics_.patience, secrets_of(settings, url_)) {
  basics_.on.started = settings.format == Format::kJson;  // for programs; people wait for the end
}

Outgoing WebhookNotifier::outgoing(const Event& event, Time now) const {
  const Message message = basics_.wording.message(event);
  Outgoing made{.request = {.method = "POST",
                            .url = url_.text(),
                            .headers = headers_of(settings_.format, event, message),
                            .body = {},
                            .most_reply_bytes = kMostReply},
                .body = body_of(settings_.format, event, message)};
  std::vector<HttpHeader>& headers = made.request.headers;
  if (!url_.authorization.empty()) headers.push_back({"Authorization", url_.authorization});
  if (!settings_.secret.empty()) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::string timestamp = std::to_string(seconds);
    headers.push_back({"X-Signature-Timestamp", timestamp});
    headers.push_back(
        {"X-Signature-256", "sha256=" + webhook_signature(settings_.secret, timestamp, made.body)});
  }
  return made;
}

void WebhookNotifier::send(const Event& event, const Context& context) {
  const auto make = [&] { return outgoing(event, context.clock.now()); };
  const HttpReply reply = sender_.send(make, again_by_status, context);
  if (reply.status >= 200 && reply.status < 300) return;
  throw Error("webhook: " + sender_.what_came(reply), hint_for(reply.status));
}

}  // namespace pgstow
