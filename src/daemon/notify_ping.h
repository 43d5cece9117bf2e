// A dead man's switch: a service that raises the alarm when it is not told, in time, that all is
// well. By the pinging API of healthchecks.io, which others speak, too.
#pragma once

#include <string>

#include "daemon/notifier.h"
#include "daemon/notify_basics.h"

namespace pgstow {

// Always told of everything, since silence is what the alarm is raised for. What is bad, also that
// the newest backup is stale, is /fail; a test is /log, which changes nothing.
class PingNotifier final : public Notifier {
 public:
  // Throws ConfigError, naming the variable, when the URL is none.
  PingNotifier(const std::string& url, NotifyBasics basics);

  std::string name() const override { return "ping"; }
  bool wants(Event::Kind, bool) const override { return true; }
  bool wants_repeated() const override { return true; }
  void send(const Event& event, const Context& context) override;

 private:
  std::string url_for(const Event& event) const;
  std::string body_for(const Event& event) const;

  const NotifyBasics basics_;
  const WebUrl url_;  // a secret: who knows it can keep the switch quiet
  WebSender sender_;
};

}  // namespace pgstow
