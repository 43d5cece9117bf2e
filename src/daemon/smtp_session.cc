#include "daemon/smtp_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/curl.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "daemon/notify_http.h"

namespace pgstow {
namespace {

constexpr int kSubmission = 587;
constexpr int kSubmissions = 465;
constexpr int kRelay = 25;

// One mail, as curl's callbacks see it.
struct Delivery {
  std::string_view mail;
  std::size_t sent = 0;
  std::string refusal = {};  // the last line of the server's that says no
};

std::size_t on_send(char* into, std::size_t size, std::size_t count, void* self) {
  auto& delivery = *static_cast<Delivery*>(self);
  const std::string_view rest = delivery.mail.substr(delivery.sent);
  const std::size_t n = std::min(size * count, rest.size());
  std::memcpy(into, rest.data(), n);
  delivery.sent += n;
  return n;
}

std::size_t on_reply(char* bytes, std::size_t size, std::size_t count, void* self) {
  if (count > 0 && (*bytes == '4' || *bytes == '5')) {
    static_cast<Delivery*>(self)->refusal.assign(bytes, size * count);
  }
  return size * count;
}

void set_server(CurlHandle& handle, const SmtpServer& server) {
  handle.set(CURLOPT_URL, server.url.c_str());
  handle.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  handle.set(CURLOPT_PROXY, "");  // those of the environment are for HTTP
  handle.set(CURLOPT_USE_SSL, long{server.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE});
  handle.set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  handle.set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(server.connect_timeout.count()));
  handle.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(server.stall.count()));
  handle.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  handle.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(server.stall.count()));
  handle.trust(server.ca);
  if (!server.user.empty()) {
    handle.set(CURLOPT_USERNAME, server.user.c_str());
    handle.set(CURLOPT_PASSWORD, server.password.c_str());
  }
}

void set_mail(CurlHandle& handle, const std::string& from, const CurlList& to, Delivery& delivery) {
  handle.set(CURLOPT_MAIL_FROM, from.c_str());
  handle.set(CURLOPT_MAIL_RCPT, to.get());
  handle.set(CURLOPT_UPLOAD, 1L);
  handle.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(delivery.mail.size()));
  handle.set(CURLOPT_READFUNCTION, on_send);
  handle.set(CURLOPT_READDATA, static_cast<void*>(&delivery));
  handle.set(CURLOPT_HEADERFUNCTION, on_reply);
  handle.set(CURLOPT_HEADERDATA, static_cast<void*>(&delivery));
}

// Failures that no other try and no other recipient would mend.
void throw_if_wrong(CURLcode code, long reply, const std::string& text) {
  switch (code) {
    case CURLE_USE_SSL_FAILED:
      throw ConfigError(text + ": the server does not begin TLS, so nothing was sent",
                        "look at the port in BACKUP_SMTP_URL; for a server on this host there is "
                        "BACKUP_SMTP_TLS=none");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      throw ConfigError(text, "name the file with the CA's certificate in BACKUP_NOTIFY_CA");
    case CURLE_LOGIN_DENIED:
      if (reply >= 400 && reply < 500) return;
      throw ConfigError(text, "look at BACKUP_SMTP_USER and BACKUP_SMTP_PASSWORD");
    default:
      return;
  }
}

}  // namespace

SmtpServer parse_smtp_url(std::string_view text, bool starttls) {
  const CurlUrl url{std::string(text)};
  const std::string scheme = url.is_good() ? url.part(CURLUPART_SCHEME) : std::string();
  if (scheme != "smtp" && scheme != "smtps") {
    throw ConfigError("no URL of a mail server", "smtp://mail.example.org:587, or smtps://");
  }
  if (!url.part(CURLUPART_USER).empty() || !url.part(CURLUPART_PASSWORD).empty()) {
    throw ConfigError("there is a user in the URL",
                      "put it into BACKUP_SMTP_USER and BACKUP_SMTP_PASSWORD");
  }
  const std::string path = url.part(CURLUPART_PATH);
  if ((!path.empty() && path != "/") || !url.part(CURLUPART_QUERY).empty()) {
    throw ConfigError("there is more in the URL than a server", "smtp://mail.example.org:587");
  }
  std::string port = url.part(CURLUPART_PORT);
  if (port.empty()) {
    port = std::to_string(scheme == "smtps" ? kSubmissions : starttls ? kSubmission : kRelay);
  }
  return {.url = fmt::format("{}://{}:{}", scheme, url.part(CURLUPART_HOST), port),
          .starttls = starttls};
}

bool is_loopback(const SmtpServer& server) {
  const std::string_view host = std::string_view(server.url).substr(server.url.find("://") + 3);
  return host.starts_with("localhost:") || host.starts_with("127.") || host.starts_with("[::1]:");
}

SmtpSession::SmtpSession(SmtpServer server)
    : server_(std::move(server)), handle_(std::make_unique<CurlHandle>()) {
  set_server(*handle_, server_);
}

SmtpSession::~SmtpSession() = default;

std::optional<SmtpRefusal> SmtpSession::deliver(const std::string& from, const std::string& to,
                                                std::string_view mail,
                                                const std::stop_token& stop) {
  check_stop(stop);
  CurlList recipients;
  recipients.append(to);
  Delivery delivery{.mail = mail};
  set_mail(*handle_, from, recipients, delivery);
  const CURLcode code = handle_->perform(stop);
  if (code == CURLE_OK) return std::nullopt;
  check_stop(stop);
  const long reply = handle_->response_code();
  const std::string text = fmt::format("{}: {}", server_.url, handle_->problem(code));
  throw_if_wrong(code, reply, text);
  if (reply < 400 || code == CURLE_OPERATION_TIMEDOUT) throw Transient(text);
  return SmtpRefusal{.for_now = reply < 500,
                     .said = shown_without({server_.password}, delivery.refusal)};
}

}  // namespace pgstow
