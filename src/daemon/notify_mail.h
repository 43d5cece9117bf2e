// Mails, by SMTP.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "daemon/mail_message.h"
#include "daemon/notifier.h"
#include "daemon/notify_basics.h"
#include "daemon/smtp_session.h"

namespace pgstow {

struct MailSettings {
  std::string url;
  std::string tls = "required";  // or "none"
  std::string user = {};
  std::string password = {};
  std::string from = {};  // empty: the user, if it is an address
  std::string to;         // separated by commas
};

// Each recipient is written to alone, so that one who is refused keeps it from no other and nobody
// gets it twice when it is tried again; all stand in To.
class MailNotifier final : public Notifier {
 public:
  // Throws ConfigError, naming the variable, for what can't be right: also for a password that
  // would leave this host in the clear.
  MailNotifier(const MailSettings& settings, NotifyBasics basics);

  std::string name() const override { return "mail"; }
  bool wants(Event::Kind kind, bool after_bad) const override {
    return basics_.on.wants(kind, after_bad);
  }
  void send(const Event& event, const Context& context) override;

 private:
  struct Recipient;

  void go_round(SmtpSession& session, std::vector<Recipient>& recipients, const std::string& mail,
                const std::stop_token& stop) const;
  std::string mail_for(const Event& event, Time now) const;

  const NotifyBasics basics_;
  SmtpServer server_;
  Mailbox from_;
  std::vector<Mailbox> to_;
};

}  // namespace pgstow
