#include "daemon/notify_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "store/random_id.h"

namespace pgstow {
namespace {

// Runs `make`, and says which variable is wrong if that throws.
template <typename Make>
auto read(const char* variable, const Make& make) {
  try {
    return make();
  } catch (Error& e) {
    e.within(variable);
    throw;
  }
}

bool wants_tls(const MailSettings& settings) {
  const std::string tls = lower(settings.tls);
  const bool none = tls == "none";
  if (!none && tls != "required") {
    throw ConfigError(fmt::format("BACKUP_SMTP_TLS: \"{}\" is none of them", printable(tls)),
                      "required or none");
  }
  if (none && settings.url.starts_with("smtps:")) {
    throw ConfigError("BACKUP_SMTP_TLS is none, but BACKUP_SMTP_URL begins with smtps");
  }
  return !none;
}

SmtpServer read_server(const MailSettings& settings, const HttpOptions& options) {
  const bool tls = wants_tls(settings);
  SmtpServer server = read("BACKUP_SMTP_URL", [&] { return parse_smtp_url(settings.url, tls); });
  if (settings.user.empty() != settings.password.empty()) {
    throw ConfigError("of BACKUP_SMTP_USER and BACKUP_SMTP_PASSWORD only one is set");
  }
  if (!tls && !settings.password.empty() && !is_loopback(server)) {
    throw ConfigError("BACKUP_SMTP_TLS: without TLS the password would go over the network",
                      "none is for a server on this host, or one that wants no password");
  }
  server.user = settings.user;
  server.password = settings.password;
  server.ca = options.ca;
  server.connect_timeout = options.connect_timeout;
  server.stall = options.stall;
  return server;
}

Mailbox read_sender(const MailSettings& settings) {
  const bool given = !settings.from.empty();
  if (!given && settings.user.find('@') == std::string::npos) {
    throw ConfigError("BACKUP_SMTP_URL is set, but BACKUP_MAIL_FROM is not",
                      "set it to the sender's address");
  }
  return read("BACKUP_MAIL_FROM",
              [&] { return parse_mailbox(given ? settings.from : settings.user); });
}

std::vector<Mailbox> read_recipients(const MailSettings& settings) {
  if (settings.to.empty()) {
    throw ConfigError("BACKUP_SMTP_URL is set, but BACKUP_MAIL_TO is not",
                      "set it to the recipients' addresses");
  }
  return read("BACKUP_MAIL_TO", [&] { return parse_mailboxes(settings.to); });
}

}  // namespace

MailNotifier::MailNotifier(const MailSettings& settings, NotifyBasics basics)
    : basics_(std::move(basics)),
      server_(read_server(settings, basics_.http)),
      from_(read_sender(settings)),
      to_(read_recipients(settings)) {}

std::string MailNotifier::mail_for(const Event& event, Time now) const {
  const Message message = basics_.wording.message(event);
  return mail_text({.from = from_,
                    .to = to_,
                    .subject = "[pgstow] " + message.title,
                    .text = message.text,
                    .date = now,
                    .id = random_id()});
}

// One recipient, and how far it got with him.
struct MailNotifier::Recipient {
  std::string address;
  bool settled = false;      // he has it, or never gets it
  std::string problem = {};  // what the server said against it last
};

// Throws when it can't go on; whoever is settled until then stays so.
void MailNotifier::go_round(SmtpSession& session, std::vector<Recipient>& recipients,
                            const std::string& mail, const std::stop_token& stop) const {
  for (Recipient& to : recipients) {
    if (to.settled) continue;
    const auto refusal = session.deliver(from_.address, to.address, mail, stop);
    to.settled = !refusal || !refusal->for_now;
    to.problem = refusal ? fmt::format("{}: {}", to.address, refusal->said) : std::string();
  }
}

void MailNotifier::send(const Event& event, const Context& context) {
  const std::string mail = mail_for(event, context.clock.now());
  SmtpSession session(server_);
  std::vector<Recipient> recipients;
  for (const Mailbox& to : to_) recipients.push_back({.address = to.address});
  try {
    try_patiently(basics_.patience, context, [&]() -> std::optional<std::chrono::milliseconds> {
      go_round(session, recipients, mail, context.stop);
      if (std::ranges::all_of(recipients, &Recipient::settled)) return std::nullopt;
      return std::chrono::milliseconds(0);
    });
  } catch (Error& e) {
    e.within("mail");
    throw;
  }
  std::vector<std::string> problems;
  for (const Recipient& to : recipients) {
    if (!to.problem.empty()) problems.push_back(to.problem);
  }
  if (problems.empty()) return;
  throw Error(fmt::format("mail: {} of {} recipients did not get it: {}", problems.size(),
                          recipients.size(), join(problems, "; ")),
              "look at BACKUP_MAIL_TO and BACKUP_MAIL_FROM");
}

}  // namespace pgstow
