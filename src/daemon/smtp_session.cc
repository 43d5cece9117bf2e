#include "daemon/smtp_session.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "daemon/notify_http.h"

namespace pgstow {
namespace {

constexpr int kSubmission = 587;
constexpr int kSubmissions = 465;
constexpr int kRelay = 25;

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
  return owned.get();
}

// One mail, as curl's callbacks see it.
struct Delivery {
  std::string_view mail;
  const std::stop_token& stop;
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

int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Delivery*>(self)->stop.stop_requested() ? 1 : 0;
}

void init_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(fmt::format("libcurl: {}", curl_easy_strerror(code)));
}

}  // namespace

struct SmtpSession::Handle {
  Handle() : curl((init_curl(), curl_easy_init())) {
    if (curl == nullptr) throw Error("libcurl: no memory");
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { curl_easy_cleanup(curl); }

  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl, option, value);
    if (code != CURLE_OK) throw Error(fmt::format("libcurl: {}", curl_easy_strerror(code)));
  }

  void set_server(const SmtpServer& server) {
    set(CURLOPT_URL, server.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_PROXY, "");  // those of the environment are for HTTP
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USE_SSL, long{server.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE});
    set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(server.connect_timeout.count()));
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(server.stall.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(server.stall.count()));
    if (!server.ca.empty()) {
      set(CURLOPT_CAINFO, server.ca.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!server.user.empty()) {
      set(CURLOPT_USERNAME, server.user.c_str());
      set(CURLOPT_PASSWORD, server.password.c_str());
    }
  }

  void set_mail(const std::string& from, const List& to, Delivery& delivery) {
    set(CURLOPT_MAIL_FROM, from.c_str());
    set(CURLOPT_MAIL_RCPT, to.get());
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(delivery.mail.size()));
    set(CURLOPT_READFUNCTION, on_send);
    set(CURLOPT_READDATA, static_cast<void*>(&delivery));
    set(CURLOPT_HEADERFUNCTION, on_reply);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&delivery));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&delivery));
    detail.fill('\0');
    set(CURLOPT_ERRORBUFFER, detail.data());
  }

  CURL* curl;
  std::array<char, CURL_ERROR_SIZE> detail{};
};

namespace {

// What the server said last: 0 when it has not said a word.
long reply_code(CURL* curl) {
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  return code;
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
  const Url url(curl_url());
  const std::string whole(text);
  const bool good = curl_url_set(url.get(), CURLUPART_URL, whole.c_str(), 0) == CURLUE_OK;
  const std::string scheme = good ? part_of(url, CURLUPART_SCHEME) : std::string();
  if (scheme != "smtp" && scheme != "smtps") {
    throw ConfigError("no URL of a mail server", "smtp://mail.example.org:587, or smtps://");
  }
  if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty()) {
    throw ConfigError("there is a user in the URL",
                      "put it into BACKUP_SMTP_USER and BACKUP_SMTP_PASSWORD");
  }
  const std::string path = part_of(url, CURLUPART_PATH);
  if ((!path.empty() && path != "/") || !part_of(url, CURLUPART_QUERY).empty()) {
    throw ConfigError("there is more in the URL than a server", "smtp://mail.example.org:587");
  }
  std::string port = part_of(url, CURLUPART_PORT);
  if (port.empty()) {
    port = std::to_string(scheme == "smtps" ? kSubmissions : starttls ? kSubmission : kRelay);
  }
  return {.url = fmt::format("{}://{}:{}", scheme, part_of(url, CURLUPART_HOST), port),
          .starttls = starttls};
}

bool is_loopback(const SmtpServer& server) {
  const std::string_view host = std::string_view(server.url).substr(server.url.find("://") + 3);
  return host.starts_with("localhost:") || host.starts_with("127.") || host.starts_with("[::1]:");
}

SmtpSession::SmtpSession(SmtpServer server)
    : server_(std::move(server)), handle_(std::make_unique<Handle>()) {
  handle_->set_server(server_);
}

SmtpSession::~SmtpSession() = default;

std::optional<SmtpRefusal> SmtpSession::deliver(const std::string& from, const std::string& to,
                                                std::string_view mail,
                                                const std::stop_token& stop) {
  check_stop(stop);
  const List recipients(curl_slist_append(nullptr, to.c_str()));
  if (!recipients) throw Error("libcurl: no memory");
  Delivery delivery{.mail = mail, .stop = stop};
  handle_->set_mail(from, recipients, delivery);
  const CURLcode code = curl_easy_perform(handle_->curl);
  if (code == CURLE_OK) return std::nullopt;
  check_stop(stop);
  const long reply = reply_code(handle_->curl);
  const char* detail = handle_->detail.data();
  const std::string text =
      fmt::format("{}: {}", server_.url, *detail == '\0' ? curl_easy_strerror(code) : detail);
  throw_if_wrong(code, reply, text);
  if (reply < 400 || code == CURLE_OPERATION_TIMEDOUT) throw Transient(text);
  return SmtpRefusal{.for_now = reply < 500,
                     .said = shown_without({server_.password}, delivery.refusal)};
}

}  // namespace pgstow
