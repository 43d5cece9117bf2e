// Messages by a Telegram bot (Bot API, core.telegram.org/bots/api, sendMessage).
#pragma once

#include <string>

#include "daemon/notifier.h"
#include "daemon/notify_basics.h"

namespace pgstow {

struct TelegramSettings {
  std::string token;   // "123456:ABC-DEF"
  std::string chat;    // a number, or "@channel"
  std::string thread;  // the topic's number; empty: none
  std::string api = "https://api.telegram.org";
};

// Good news comes without a sound. A group that has become a supergroup is followed to its new
// number.
class TelegramNotifier final : public Notifier {
 public:
  // Throws ConfigError, naming the variable, for what can't be right.
  TelegramNotifier(const TelegramSettings& settings, NotifyBasics basics);

  std::string name() const override { return "telegram"; }
  bool wants(Event::Kind kind, bool after_bad) const override {
    return basics_.on.wants(kind, after_bad);
  }
  void send(const Event& event, const Context& context) override;

 private:
  HttpReply post(const std::string& body, const Context& context);
  std::string body_for(const Event& event) const;

  const NotifyBasics basics_;
  std::string chat_;
  const std::string thread_;
  std::string url_;  // with the token: never to be shown
  WebSender sender_;
};

// What a reply of the Bot API says; whatever is missing or of another type is empty.
struct TelegramReply {
  bool ok = false;
  std::string description = {};
  std::chrono::seconds retry_after{0};
  std::string migrated_to = {};  // a chat's number
};
TelegramReply parse_telegram_reply(std::string_view body);

// The text as Telegram's HTML, its first line bold: at most 4096 units of UTF-16 are shown.
std::string telegram_html(std::string_view text);

}  // namespace pgstow
