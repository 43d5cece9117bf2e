// Events posted to a URL: as JSON for programs, or as Slack, Discord and ntfy want a message.
#pragma once

#include <string>
#include <string_view>

#include "daemon/notifier.h"
#include "daemon/notify_basics.h"

namespace pgstow {

struct WebhookSettings {
  enum class Format { kJson, kSlack, kDiscord, kNtfy };
  std::string url;
  std::string secret = {};  // of the signature; empty: none is sent
  Format format = Format::kJson;
};

// "json", "slack", "discord" or "ntfy"; throws ConfigError naming BACKUP_WEBHOOK_FORMAT.
WebhookSettings::Format parse_webhook_format(std::string_view text);

// With a secret, every request carries X-Signature-Timestamp, the seconds since 1970 at which it
// was sent, and X-Signature-256, "sha256=" and the HMAC-SHA256 (RFC 2104, in hex) of that
// timestamp, a dot, and the body. A receiver sees an event twice when the reply to the first time
// was lost.
class WebhookNotifier final : public Notifier {
 public:
  // Throws ConfigError, naming the variable, when the URL is none.
  WebhookNotifier(const WebhookSettings& settings, NotifyBasics basics);

  std::string name() const override { return "webhook"; }
  bool wants(Event::Kind kind, bool after_bad) const override {
    return basics_.on.wants(kind, after_bad);
  }
  bool wants_repeated() const override {
    return settings_.format == WebhookSettings::Format::kJson;
  }
  void send(const Event& event, const Context& context) override;

 private:
  Outgoing outgoing(const Event& event, Time now) const;

  NotifyBasics basics_;
  const WebUrl url_;  // a secret: who knows it can post there
  const WebhookSettings settings_;
  WebSender sender_;
};

// The HMAC as hex.
std::string webhook_signature(std::string_view secret, std::string_view timestamp,
                              std::string_view body);

}  // namespace pgstow
