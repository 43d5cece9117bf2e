// A real SMTP server, aiosmtpd, which keeps the mails it takes; they are read by Python's own
// parser. And one that says what it is told, for what no real server does when a test wants it.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/program.h"
#include "harness/tcp_server.h"
#include "harness/test_ca.h"

namespace pgstow::test {

struct SmtpRules {
  bool tls = true;           // STARTTLS is offered, and needed
  bool tls_at_once = false;  // smtps
  std::string user = {};     // empty: no login is needed
  std::string password = {};
  std::vector<std::string> refused = {};  // recipients
};

struct ReceivedMail {
  std::string sender;                   // of the envelope
  std::vector<std::string> recipients;  // likewise
  bool tls = false;
  std::string user;  // that had logged in
  std::string raw;
  std::map<std::string, std::string> headers;  // decoded, names in lower case
  std::string text;                            // decoded
};

class SmtpPeer {
 public:
  explicit SmtpPeer(const SmtpRules& rules = {});

  std::string url() const;  // "smtp://127.0.0.1:PORT", or smtps
  const std::filesystem::path& ca() const { return certificates_.ca; }
  std::vector<ReceivedMail> mails() const;

 private:
  const bool tls_at_once_;
  TempDir folder_;
  TestCa certificates_;
  Running server_;
  std::string port_;
};

// Without TLS. Whatever is not scripted is taken.
class ScriptedSmtp {
 public:
  // The lines of the reply to a command that begins so, such as {"RCPT", "451 later\r\n"}; of
  // several for one command each is said once, and then the usual again.
  void on(const std::string& command, std::string reply);
  // Nothing is said to it.
  void stall_at(const std::string& command) { on(command, {}); }

  std::string url() const;
  // Every line that came, mails too.
  std::vector<std::string> heard() const;

 private:
  void serve(TcpPeer& peer);
  std::optional<std::string> scripted(const std::string& line);

  mutable std::mutex mutex_;  // of the two below
  std::vector<std::pair<std::string, std::string>> script_;
  std::vector<std::string> heard_;
  TcpServer server_{[this](TcpPeer& peer) { serve(peer); }};  // last: nobody speaks to what is gone
};

}  // namespace pgstow::test
