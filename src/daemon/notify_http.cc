#include "daemon/notify_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/curl.h"
#include "base/text.h"
#include "daemon/text_limits.h"
#include "store/s3_digest.h"

namespace pgstow {
namespace {

constexpr std::size_t kMostShown = 200;
constexpr std::size_t kLeastSecret = 8;  // shorter parts of a path are words like "api"

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c != '\x7f'; });
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// Of a redirect only the server is named: its path and query may be ours.
std::string leads_to(const HttpReply& reply) {
  const auto location = reply.header("location");
  if (reply.status < 300 || reply.status >= 400 || !location) return {};
  const CurlUrl url(*location);
  if (!url.is_good()) return {};
  return fmt::format(", a redirect to {}://{}, which is not followed", url.part(CURLUPART_SCHEME),
                     url.part(CURLUPART_HOST));
}

}  // namespace

std::string WebUrl::text() const {
  return query.empty() ? origin + path : fmt::format("{}{}?{}", origin, path, query);
}

WebUrl parse_web_url(std::string_view text) {
  const CurlUrl url(std::string(text), CURLU_NON_SUPPORT_SCHEME);
  const bool good = is_plain(text) && url.is_good();
  const std::string scheme = good ? url.part(CURLUPART_SCHEME) : std::string();
  if (scheme != "http" && scheme != "https") {
    throw ConfigError("no URL of http or https", "a URL such as https://example.org/path");
  }
  const std::string port = url.part(CURLUPART_PORT);
  WebUrl made{.origin = fmt::format("{}://{}{}{}", scheme, url.part(CURLUPART_HOST),
                                    port.empty() ? "" : ":", port),
              .path = url.part(CURLUPART_PATH),
              .query = url.part(CURLUPART_QUERY),
              .authorization = {}};
  const std::string user = url.part(CURLUPART_USER, CURLU_URLDECODE);
  const std::string password = url.part(CURLUPART_PASSWORD, CURLU_URLDECODE);
  if (!user.empty() || !password.empty()) {
    made.authorization = "Basic " + base64(user + ":" + password);
  }
  return made;
}

std::vector<std::string> secrets_of(std::string_view text, const WebUrl& url) {
  std::vector<std::string> secrets = {std::string(text), url.text()};
  const std::string whole = url.path + "?" + url.query;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find_first_of("/?&=", at), whole.size());
    if (end - at >= kLeastSecret) secrets.push_back(whole.substr(at, end - at));
    at = end + 1;
  }
  if (!url.authorization.empty()) {
    secrets.push_back(url.authorization.substr(url.authorization.find(' ') + 1));
  }
  return secrets;
}

std::optional<std::chrono::milliseconds> again_by_status(const HttpReply& reply, Time now) {
  if (reply.status != 408 && reply.status != 429 && reply.status < 500) return std::nullopt;
  const std::string after = reply.header("retry-after").value_or("");
  if (const auto seconds = parse_int(after)) {
    constexpr std::int64_t kMost = 86'400;
    return std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, kMost));
  }
  const time_t date = after.empty() ? -1 : curl_getdate(after.c_str(), nullptr);
  if (date < 0) return std::chrono::milliseconds(0);
  return std::max(Time(std::chrono::seconds(date)) - now, std::chrono::milliseconds(0));
}

HttpReply WebSender::send(const std::function<Outgoing()>& make, const Again& again,
                          const Context& context) {
  HttpReply reply;
  try_patiently(patience_, context, [&] {
    Outgoing outgoing = make();
    outgoing.request.body = outgoing.body;
    reply = client_.send(outgoing.request, context.stop);
    return again(reply, context.clock.now());
  });
  return reply;
}

std::string WebSender::what_came(const HttpReply& reply) const {
  const std::string said = shown(reply.body);
  return fmt::format("status {}{}{}{}", reply.status, leads_to(reply), said.empty() ? "" : ": ",
                     said);
}

std::string shown_without(const std::vector<std::string>& secrets, std::string_view text) {
  // Enough of it that a secret at the cut is seen whole, or not at all.
  std::string clean(text.substr(0, kMostShown * 64));
  for (const std::string& secret : secrets) {
    if (secret.size() >= 2) clean = replaced(std::move(clean), secret, "***");
  }
  return cut_to_bytes(printable(trim(clean)), kMostShown);
}

}  // namespace pgstow
