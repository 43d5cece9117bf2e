#include "daemon/notify_telegram.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "daemon/text_limits.h"

namespace pgstow {
namespace {

constexpr std::size_t kMostUnits = 4096;  // after entities were parsed
constexpr std::size_t kMostReply = std::size_t{256} * 1024;
constexpr std::int64_t kMostPause = 86'400;

bool is_number(std::string_view text) { return parse_int(text).has_value(); }

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// "123456:ABC-DEF": anything else would make another URL of it.
bool is_token(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
         is_number(text.substr(0, colon)) &&
         std::ranges::all_of(text.substr(colon + 1), is_token_character);
}

const TelegramSettings& checked(const TelegramSettings& settings) {
  if (!is_token(settings.token)) {
    throw ConfigError("BACKUP_TELEGRAM_TOKEN: this is no bot's token",
                      "@BotFather gives one, such as 123456:ABC-DEF");
  }
  if (settings.chat.empty()) {
    throw ConfigError("BACKUP_TELEGRAM_TOKEN is set, but BACKUP_TELEGRAM_CHAT is not",
                      "set it to the chat's number, or to @channel");
  }
  if (!is_number(settings.chat) && !(settings.chat.starts_with('@') && settings.chat.size() > 1)) {
    throw ConfigError(fmt::format("BACKUP_TELEGRAM_CHAT: \"{}\" is no chat", settings.chat),
                      "a number such as -1001234567890, or @channel");
  }
  if (!settings.thread.empty() && !is_number(settings.thread)) {
    throw ConfigError(fmt::format("BACKUP_TELEGRAM_THREAD: \"{}\" is no number", settings.thread));
  }
  return settings;
}

std::string method_url(const TelegramSettings& settings) {
  try {
    WebUrl url = parse_web_url(settings.api);
    while (url.path.ends_with('/')) url.path.pop_back();
    url.path += fmt::format("/bot{}/sendMessage", settings.token);
    return url.text();
  } catch (Error& e) {
    e.within("BACKUP_TELEGRAM_API");
    throw;
  }
}

std::vector<std::string> token_parts(const std::string& token) {
  return {token, token.substr(token.find(':') + 1)};
}

// The number as it is, or the name.
boost::json::value chat_value(const std::string& chat) {
  const auto number = parse_int(chat);
  return number ? boost::json::value(*number) : boost::json::value(chat);
}

std::string hint_for(const HttpReply& reply, std::string_view description) {
  if (reply.status == 401 || reply.status == 404) {
    return "BACKUP_TELEGRAM_TOKEN is not, or no longer, the token of a bot; @BotFather shows it";
  }
  if (reply.status == 403) return "let the bot into the chat, or write to it first";
  if (description.find("chat not found") != std::string_view::npos) {
    return "write to the bot first (or add it to the group), and look at BACKUP_TELEGRAM_CHAT";
  }
  if (description.find("thread") != std::string_view::npos) {
    return "BACKUP_TELEGRAM_THREAD is no topic of this chat";
  }
  return {};
}

std::optional<std::chrono::milliseconds> again(const HttpReply& reply, Time now) {
  auto pause = again_by_status(reply, now);
  if (!pause) return pause;
  return std::max<std::chrono::milliseconds>(*pause, parse_telegram_reply(reply.body).retry_after);
}

bool is_silent(Event::Kind kind) { return !is_bad(kind) && kind != Event::Kind::kTest; }

}  // namespace

TelegramReply parse_telegram_reply(std::string_view body) {
  TelegramReply made;
  try {
    const boost::json::object o = parse_json_object(body, "telegram");
    if (const auto* ok = o.if_contains("ok"); ok != nullptr && ok->is_bool()) {
      made.ok = ok->get_bool();
    }
    if (o.contains("description")) made.description = get_string(o, "description", "telegram");
    const auto* parameters = o.if_contains("parameters");
    if (parameters == nullptr || !parameters->is_object()) return made;
    const boost::json::object& p = parameters->get_object();
    if (const auto* chat = p.if_contains("migrate_to_chat_id"); chat && chat->is_int64()) {
      made.migrated_to = std::to_string(chat->get_int64());
    }
    if (const auto* after = p.if_contains("retry_after"); after && after->is_int64()) {
      made.retry_after =
          std::chrono::seconds(std::clamp<std::int64_t>(after->get_int64(), 0, kMostPause));
    }
  } catch (const Corrupt&) {
    return made;  // what was understood until then
  }
  return made;
}

std::string telegram_html(std::string_view text) {
  const std::string shown = cut_to_utf16(text, kMostUnits);
  std::string html = "<b>";
  bool bold = true;
  for (const char c : shown) {
    if (c == '\n' && std::exchange(bold, false)) html += "</b>";
    if (c == '&') {
      html += "&amp;";
    } else if (c == '<') {
      html += "&lt;";
    } else if (c == '>') {
      html += "&gt;";
    } else {
      html += c;
    }
  }
  return bold ? html + "</b>" : html;
}

TelegramNotifier::TelegramNotifier(const TelegramSettings& settings, NotifyBasics basics)
    : basics_(std::move(basics)),
      chat_(checked(settings).chat),
      thread_(settings.thread),
      url_(method_url(settings)),
      sender_(basics_.http, basics_.patience, token_parts(settings.token)) {}

std::string TelegramNotifier::body_for(const Event& event) const {
  boost::json::object o{{"chat_id", chat_value(chat_)},
                        {"text", telegram_html(basics_.wording.message(event).text)},
                        {"parse_mode", "HTML"},
                        {"disable_web_page_preview", true},
                        {"disable_notification", is_silent(event.kind)}};
  if (!thread_.empty()) o["message_thread_id"] = parse_int(thread_).value_or(0);
  return pretty(o);
}

HttpReply TelegramNotifier::post(const std::string& body, const Context& context) {
  const auto make = [&] {
    return Outgoing{.request = {.method = "POST",
                                .url = url_,
                                .headers = {{"Content-Type", "application/json"}},
                                .body = {},
                                .most_reply_bytes = kMostReply},
                    .body = body};
  };
  return sender_.send(make, again, context);
}

void TelegramNotifier::send(const Event& event, const Context& context) {
  HttpReply reply = post(body_for(event), context);
  TelegramReply said = parse_telegram_reply(reply.body);
  if (reply.status == 400 && !said.migrated_to.empty()) {
    context.log.warning(fmt::format(
        "telegram: the chat has become {0}: set BACKUP_TELEGRAM_CHAT={0}", said.migrated_to));
    chat_ = said.migrated_to;
    reply = post(body_for(event), context);
    said = parse_telegram_reply(reply.body);
  }
  if (reply.status == 200 && said.ok) return;
  if (said.description.empty()) {
    throw Error("telegram: " + sender_.what_came(reply), hint_for(reply, {}));
  }
  throw Error(fmt::format("telegram: status {}: {}", reply.status, sender_.shown(said.description)),
              hint_for(reply, said.description));
}

}  // namespace pgstow
