// Requests of notifiers: addresses that may hold secrets, and patience with servers that can't
// answer now.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "daemon/patience.h"
#include "store/http_client.h"

namespace pgstow {

// A URL of http or https, taken apart. Everything behind the origin may be a secret.
struct WebUrl {
  std::string origin;         // "https://host:port"
  std::string path;           // from its '/' on
  std::string query;          // without '?'
  std::string authorization;  // the header's value for the user and password in it; often empty

  std::string text() const;  // without user and password
};

// Throws ConfigError that shows nothing of the text.
WebUrl parse_web_url(std::string_view text);

// The URL and those parts of it that may not be shown: its path and query, and what is long in
// them.
std::vector<std::string> secrets_of(std::string_view text, const WebUrl& url);

struct Outgoing {
  HttpRequest request;  // its body is set when it is sent
  std::string body;
};

// Nothing: the reply is final. Otherwise it is to be tried again, after so long if that is more
// than the usual pause.
using Again = std::function<std::optional<std::chrono::milliseconds>(const HttpReply&, Time now)>;

// 408, 429 and 5xx, as long as Retry-After says (RFC 9110, seconds or a date).
std::optional<std::chrono::milliseconds> again_by_status(const HttpReply& reply, Time now);

// What others say, for errors: without secrets, in one line, cut.
std::string shown_without(const std::vector<std::string>& secrets, std::string_view text);

// For one thread at a time.
class WebSender {
 public:
  // None of `secrets` is in an error.
  WebSender(const HttpOptions& http, Patience patience, std::vector<std::string> secrets)
      : client_(http), patience_(patience), secrets_(std::move(secrets)) {}

  // Sends what `make` makes, anew for each try. Returns the last reply, whatever its status, at
  // once when a server asks for a longer pause than is left. Throws as HttpClient does.
  HttpReply send(const std::function<Outgoing()>& make, const Again& again, const Context& context);

  // "status 404: no such hook": a reply's status and how its body begins; where a redirect leads.
  std::string what_came(const HttpReply& reply) const;
  std::string shown(std::string_view text) const { return shown_without(secrets_, text); }

 private:
  HttpClient client_;
  const Patience patience_;
  const std::vector<std::string> secrets_;
};

}  // namespace pgstow
