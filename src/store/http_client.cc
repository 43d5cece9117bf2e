#include "store/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/curl.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::size_t kMostHeaderBytes = std::size_t{64} * 1024;
constexpr std::size_t kStep = std::size_t{64} * 1024;  // what passes the throttle at once

// An empty value is written "Name;" for curl; "Name:" would take the header away.
CurlList header_lines(const HttpRequest& request) {
  CurlList list;
  for (const HttpHeader& header : request.headers) {
    list.append(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  list.append("Expect:");  // no pause before a body
  list.append("Transfer-Encoding:");
  return list;
}

// One exchange, as curl's callbacks see it.
struct Exchange {
  const HttpRequest& request;
  const std::stop_token& stop;
  Throttle& sending;
  Throttle& receiving;
  HttpReply reply = {};
  std::size_t sent = 0;
  std::size_t header_bytes = 0;
  std::string problem = {};  // why a callback ended the exchange

  std::size_t send(char* into, std::size_t room) {
    const std::string_view rest = request.body.substr(sent);
    const std::size_t n = std::min({room, rest.size(), kStep});
    sending.take(n, stop);
    if (stop.stop_requested()) return CURL_READFUNC_ABORT;
    std::memcpy(into, rest.data(), n);
    sent += n;
    return n;
  }

  bool seek(curl_off_t to) {
    if (to < 0 || std::cmp_greater(to, request.body.size())) return false;
    sent = static_cast<std::size_t>(to);
    return true;
  }

  std::size_t take_body(std::string_view bytes) {
    if (bytes.size() > request.most_reply_bytes - reply.body.size()) {
      problem = fmt::format("the reply is longer than {}", human_bytes(request.most_reply_bytes));
      return 0;
    }
    receiving.take(bytes.size(), stop);
    if (reply.body.empty()) reserve_body();
    reply.body.append(bytes);
    return bytes.size();
  }

  // As long as it is announced, within the bound: a reply that is short after all costs nothing.
  void reserve_body() {
    const auto length = parse_int(reply.header("content-length").value_or(""));
    if (length && *length > 0 && std::cmp_less_equal(*length, request.most_reply_bytes)) {
      reply.body.reserve(static_cast<std::size_t>(*length));
    }
  }

  std::size_t take_header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMostHeaderBytes) {
      problem = "the reply's headers have no end";
      return 0;
    }
    if (line.starts_with("HTTP/")) {  // a new reply: the one before was a 100 Continue
      reply.headers.clear();
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      reply.headers.push_back(
          {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
    }
    return line.size();
  }
};

std::size_t on_send(char* into, std::size_t size, std::size_t count, void* exchange) {
  return static_cast<Exchange*>(exchange)->send(into, size * count);
}

int on_seek(void* exchange, curl_off_t offset, int origin) {
  const bool done = origin == SEEK_SET && static_cast<Exchange*>(exchange)->seek(offset);
  return done ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* exchange) {
  return static_cast<Exchange*>(exchange)->take_body({bytes, size * count});
}

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* exchange) {
  return static_cast<Exchange*>(exchange)->take_header({bytes, size * count});
}

// "https://host:port", for messages: paths and queries may hold what is nobody's business.
std::string server_of(const std::string& url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string::npos) return "this URL";
  return url.substr(0, url.find_first_of("/?#", begin + 3));
}

// Whether nothing could be sent. A timeout may be one of either kind.
bool is_unconnected(CURLcode code, const CurlHandle& handle) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return true;
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t ready = 0;
      curl_easy_getinfo(handle.get(), CURLINFO_PRETRANSFER_TIME_T, &ready);
      return ready == 0;
    }
    default:
      return false;
  }
}

[[noreturn]] void fail(CURLcode code, const CurlHandle& handle, const Exchange& exchange,
                       const HttpOptions& options) {
  check_stop(exchange.stop);
  const std::string cause = exchange.problem.empty() ? handle.problem(code) : exchange.problem;
  const std::string text = fmt::format("{}: {}", server_of(exchange.request.url), cause);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      throw ConfigError(text, "a URL such as https://s3.example.org is needed");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      throw ConfigError(text, "name the file with the CA's certificate in " + options.ca_setting);
    default:
      if (is_unconnected(code, handle)) throw NoConnection(text);
      throw Transient(text);
  }
}

constexpr std::string_view kRequestId = "x-amz-request-id";

}  // namespace

// A handle with its connection, and the reply that came last, without its body.
struct HttpClient::Connection {
  CurlHandle handle;
  HttpReply last = {};

  // Whether the last exchange had to make one, as there was none or the server had closed it.
  bool was_new() const {
    long made = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_NUM_CONNECTS, &made);
    return made > 0;
  }
};

// A connection for one exchange. It goes back after a good one. After a failure it does not: where
// a name was not found, curl 7.88 keeps its buffer, and refuses to have it set again for ever. Nor
// is one used again on which something lies unread, as when a reply was sent twice: the next
// request would take it for its own, which curl 7.88 does not see to. No more are kept than are in
// use, and one: a daemon holds nothing open from one job to the next.
class HttpClient::Lease {
 public:
  explicit Lease(HttpClient& client) : client_(client) {
    while (!connection_) {
      connection_ = client_.take_idle();
      if (!connection_) {
        connection_ = std::make_unique<Connection>();
      } else if (connection_->handle.has_unread()) {
        connection_.reset();
      } else {
        connection_->handle.reset();
      }
    }
    const std::lock_guard lock(client_.mutex_);
    ++client_.leased_;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    const std::lock_guard lock(client_.mutex_);
    --client_.leased_;
    auto& idle = client_.idle_;
    if (good_) idle.push_back(std::move(connection_));
    if (idle.size() > client_.leased_ + 1) {  // the oldest go
      idle.erase(idle.begin(), idle.end() - static_cast<std::ptrdiff_t>(client_.leased_ + 1));
    }
  }

  CurlHandle& handle() const { return connection_->handle; }
  const Connection& connection() const { return *connection_; }
  // After this reply.
  void give_back(const HttpReply& reply) {
    connection_->last = {.status = reply.status, .headers = reply.headers, .body = {}};
    good_ = true;
  }

 private:
  HttpClient& client_;
  std::unique_ptr<Connection> connection_;
  bool good_ = false;
};

namespace {

void set_connection(CurlHandle& handle, const HttpOptions& options, const HttpRequest& request) {
  handle.set(CURLOPT_URL, request.url.c_str());
  handle.set(CURLOPT_PROTOCOLS_STR, "http,https");
  handle.set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  handle.set(CURLOPT_PATH_AS_IS, 1L);  // "a/../b" is a key like any other
  handle.set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  const std::chrono::seconds connect =
      request.connect_timeout.count() > 0 ? request.connect_timeout : options.connect_timeout;
  handle.set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(connect.count()));
  handle.set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options.least_bytes_per_second));
  handle.set(CURLOPT_LOW_SPEED_TIME,
             static_cast<long>(std::max(options.stall, request.patience).count()));
  handle.set(CURLOPT_MAXCONNECTS, 1L);  // what is asked of the handle is of the one connection
  handle.set(CURLOPT_BUFFERSIZE, 256L * 1024);
  handle.set(CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  if (!options.proxy) handle.set(CURLOPT_NOPROXY, "*");
  handle.trust(options.ca);
}

void set_request(CurlHandle& handle, const HttpRequest& request, const CurlList& headers) {
  if (request.method == "HEAD") {
    handle.set(CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    handle.set(CURLOPT_UPLOAD, 1L);
    handle.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    handle.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    handle.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  handle.set(CURLOPT_HTTPHEADER, headers.get());
}

void set_callbacks(CurlHandle& handle, Exchange& exchange) {
  void* const self = &exchange;
  handle.set(CURLOPT_READFUNCTION, on_send);
  handle.set(CURLOPT_READDATA, self);
  handle.set(CURLOPT_SEEKFUNCTION, on_seek);
  handle.set(CURLOPT_SEEKDATA, self);
  handle.set(CURLOPT_WRITEFUNCTION, on_body);
  handle.set(CURLOPT_WRITEDATA, self);
  handle.set(CURLOPT_HEADERFUNCTION, on_header);
  handle.set(CURLOPT_HEADERDATA, self);
}

}  // namespace

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)),
      sending_(options_.most_bytes_per_second),
      receiving_(options_.most_bytes_per_second) {}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Connection> HttpClient::take_idle() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

// S3 gives each request an id of its own, and says it in the reply
// (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html). A server that
// gives the same one to several shows it by a reply that differs from the one before, or by one on
// a new connection.
bool HttpClient::note_repetition(const Connection& connection, const HttpReply& reply) {
  const std::optional<std::string> id = reply.header(kRequestId);
  if (!id || id->empty()) return false;
  const HttpReply& last = connection.last;
  const std::lock_guard lock(mutex_);
  const bool same =
      !connection.was_new() && reply.status == last.status && reply.headers == last.headers;
  const bool seen = connection.was_new() ? id == last_id_ : id == last.header(kRequestId);
  if (seen && !same) ids_tell_ = false;
  last_id_ = id;
  return same && ids_tell_;
}

// So that the next request is sent on a new connection, unless others are at work and leave theirs.
void HttpClient::drop_idle() {
  std::vector<std::unique_ptr<Connection>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

HttpReply HttpClient::send(const HttpRequest& request, const std::stop_token& stop) {
  check_stop(stop);
  Lease lease(*this);
  CurlHandle& handle = lease.handle();
  const CurlList headers = header_lines(request);
  Exchange exchange{.request = request, .stop = stop, .sending = sending_, .receiving = receiving_};
  set_connection(handle, options_, request);
  set_request(handle, request, headers);
  set_callbacks(handle, exchange);
  const CURLcode code = handle.perform(stop);
  if (code != CURLE_OK) fail(code, handle, exchange, options_);
  exchange.reply.status = static_cast<int>(handle.response_code());
  if (note_repetition(lease.connection(), exchange.reply)) {
    drop_idle();
    throw Transient(server_of(request.url) + ": the reply to the request before came once more");
  }
  lease.give_back(exchange.reply);
  return std::move(exchange.reply);
}

}  // namespace pgstow
