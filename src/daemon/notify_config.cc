#include "daemon/notify_config.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "base/text.h"
#include "daemon/notify_mail.h"
#include "daemon/notify_ping.h"
#include "daemon/notify_telegram.h"
#include "daemon/notify_webhook.h"

namespace pgstow {
namespace {

// Keeps what goes wrong, and goes on.
class Reader {
 public:
  Reader(const Settings& settings, Notifiers& into) : settings_(settings), into_(into) {}

  std::string text(std::string_view name) const { return settings_.text(name); }
  bool given(std::string_view name) const { return !text(name).empty(); }

  void attempt(const std::function<void()>& read) {
    try {
      read();
    } catch (const ConfigError& e) {
      into_.problems.push_back(e);
    }
  }

  // Makes the notifier if any of its settings is set: one that is half configured is a mistake.
  void notifier(std::initializer_list<std::string_view> names,
                const std::function<std::unique_ptr<Notifier>()>& make) {
    bool any = false;
    for (const std::string_view name : names) any = any || given(name);
    if (any) attempt([&] { into_.notifiers.push_back(make()); });
  }

  // For what the setting itself is needed for.
  void need(std::string_view name, std::string_view hint) const {
    if (!given(name)) throw ConfigError(fmt::format("{} is not set", name), std::string(hint));
  }

 private:
  const Settings& settings_;
  Notifiers& into_;
};

void read_wording(Reader& reader, const Config& config, NotifyBasics& basics) {
  reader.attempt([&] {
    const std::string text = reader.text("BACKUP_NOTIFY_TEMPLATE");
    try {
      if (!text.empty()) basics.wording = Wording(config.zone, text);
    } catch (Error& e) {
      e.within("BACKUP_NOTIFY_TEMPLATE");
      throw;
    }
  });
}

void read_on(Reader& reader, NotifyBasics& basics) {
  reader.attempt([&] {
    try {
      basics.on = parse_notify_on(reader.text("BACKUP_NOTIFY_ON"));
    } catch (Error& e) {
      e.within("BACKUP_NOTIFY_ON");
      throw;
    }
  });
}

NotifyBasics read_basics(Reader& reader, const Config& config, const Patience& patience) {
  NotifyBasics basics{.wording = Wording(config.zone), .patience = patience};
  basics.http.ca_setting = "BACKUP_NOTIFY_CA";
  basics.http.stall = std::chrono::seconds(20);
  read_wording(reader, config, basics);
  read_on(reader, basics);
  reader.attempt([&] { basics.http.ca = read_path(config.settings, "BACKUP_NOTIFY_CA"); });
  return basics;
}

std::unique_ptr<Notifier> telegram(const Reader& reader, const NotifyBasics& basics) {
  reader.need("BACKUP_TELEGRAM_TOKEN", "@BotFather gives one, for a bot of yours");
  return std::make_unique<TelegramNotifier>(
      TelegramSettings{.token = reader.text("BACKUP_TELEGRAM_TOKEN"),
                       .chat = reader.text("BACKUP_TELEGRAM_CHAT"),
                       .thread = reader.text("BACKUP_TELEGRAM_THREAD"),
                       .api = reader.text("BACKUP_TELEGRAM_API")},
      basics);
}

std::unique_ptr<Notifier> webhook(const Reader& reader, const NotifyBasics& basics) {
  reader.need("BACKUP_WEBHOOK_URL", "set it to where events are to be posted");
  return std::make_unique<WebhookNotifier>(
      WebhookSettings{.url = reader.text("BACKUP_WEBHOOK_URL"),
                      .secret = reader.text("BACKUP_WEBHOOK_SECRET"),
                      .format = parse_webhook_format(reader.text("BACKUP_WEBHOOK_FORMAT"))},
      basics);
}

std::unique_ptr<Notifier> mail(const Reader& reader, const NotifyBasics& basics) {
  reader.need("BACKUP_SMTP_URL", "set it to the server, such as smtp://mail.example.org:587");
  return std::make_unique<MailNotifier>(
      MailSettings{.url = reader.text("BACKUP_SMTP_URL"),
                   .tls = reader.text("BACKUP_SMTP_TLS"),
                   .user = reader.text("BACKUP_SMTP_USER"),
                   .password = reader.text("BACKUP_SMTP_PASSWORD"),
                   .from = reader.text("BACKUP_MAIL_FROM"),
                   .to = reader.text("BACKUP_MAIL_TO")},
      basics);
}

}  // namespace

Notifiers make_notifiers(const Config& config, Patience patience) {
  Notifiers made;
  Reader reader(config.settings, made);
  const NotifyBasics basics = read_basics(reader, config, patience);
  reader.notifier({"BACKUP_TELEGRAM_TOKEN", "BACKUP_TELEGRAM_CHAT", "BACKUP_TELEGRAM_THREAD"},
                  [&] { return telegram(reader, basics); });
  reader.notifier({"BACKUP_WEBHOOK_URL", "BACKUP_WEBHOOK_SECRET"},
                  [&] { return webhook(reader, basics); });
  reader.notifier({"BACKUP_SMTP_URL", "BACKUP_SMTP_USER", "BACKUP_SMTP_PASSWORD",
                   "BACKUP_MAIL_FROM", "BACKUP_MAIL_TO"},
                  [&] { return mail(reader, basics); });
  reader.notifier({"BACKUP_PING_URL"}, [&] {
    return std::make_unique<PingNotifier>(reader.text("BACKUP_PING_URL"), basics);
  });
  return made;
}

std::vector<std::unique_ptr<Notifier>> notifiers_of_job(const Config& config, const Log& log) {
  Notifiers made = make_notifiers(config);
  for (const ConfigError& problem : made.problems) {
    Facts facts;
    if (!problem.hint().empty()) facts.emplace_back("hint", problem.hint());
    log.warning(fmt::format("notifications: {}", problem.what()), facts);
  }
  return std::move(made.notifiers);
}

}  // namespace pgstow
