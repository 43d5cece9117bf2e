// SMTP (RFC 5321) by libcurl: one session with a server, over TLS unless it is told otherwise.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace pgstow {

class CurlHandle;

struct SmtpServer {
  std::string url;       // "smtp://host:587", or with TLS from the first byte "smtps://host:465"
  bool starttls = true;  // of smtp://: nothing but EHLO is said before it
  std::string user = {};
  std::string password = {};
  std::filesystem::path ca = {};  // PEM; empty: the system's
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall{20};
};

// "host", or "[::1]", and a port that fits where the URL has none. Throws ConfigError, which shows
// nothing of the text, when it is no smtp or smtps URL, or holds more than a server.
SmtpServer parse_smtp_url(std::string_view text, bool starttls);

// The server is this host: what is sent to it does not leave it.
bool is_loopback(const SmtpServer& server);

struct SmtpRefusal {
  bool for_now = false;  // 4yz: it may be taken later
  std::string said;      // "550 no such user", without the password
};

// For one thread. The connection is kept from one mail to the next.
class SmtpSession {
 public:
  explicit SmtpSession(SmtpServer server);
  SmtpSession(const SmtpSession&) = delete;
  SmtpSession& operator=(const SmtpSession&) = delete;
  ~SmtpSession();

  // Returns nothing when the server has taken the mail for this recipient. Throws Transient when
  // there is no answer, ConfigError without TLS, trust or login, Cancelled within a second of a
  // stop.
  std::optional<SmtpRefusal> deliver(const std::string& from, const std::string& to,
                                     std::string_view mail, const std::stop_token& stop);

 private:
  const SmtpServer server_;
  const std::unique_ptr<CurlHandle> handle_;
};

}  // namespace pgstow
