#include "pg/engine.h"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/curl.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kSeconds = 30;
constexpr std::size_t kMostReply = std::size_t{64} << 20;
constexpr int kNewestMinor = 52;  // of API 1.x: what we read has not changed up to there

// "1.41" -> 41.
std::optional<std::int64_t> minor_of(std::string_view version) {
  return version.starts_with("1.") ? parse_int(version.substr(2)) : std::nullopt;
}

}  // namespace

// One connection to the engine, and the reply that is being read from it.
struct Engine::Wire {
  CurlHandle curl;
  std::stop_token stop;
  std::string body = {};
  std::string api_version = {};

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* wire) {
    std::string& body = static_cast<Wire*>(wire)->body;
    if (body.size() > kMostReply) return 0;
    body.append(bytes, size * count);
    return size * count;
  }

  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* wire) {
    const std::string_view line(bytes, size * count);
    constexpr std::string_view kName = "api-version:";
    if (lower(line.substr(0, kName.size())) == kName) {
      static_cast<Wire*>(wire)->api_version = trim(line.substr(kName.size()));
    }
    return line.size();
  }

  void set_certificates(const std::filesystem::path& folder) {
    if (folder.empty()) return;
    curl.trust(folder / "ca.pem");
    curl.set(CURLOPT_SSLCERT, (folder / "cert.pem").c_str());
    curl.set(CURLOPT_SSLKEY, (folder / "key.pem").c_str());
  }

  // The status; the reply's body is in `body`.
  long ask(const EngineAddress& address, const std::string& path) {
    curl.reset();
    if (!address.socket.empty()) curl.set(CURLOPT_UNIX_SOCKET_PATH, address.socket.c_str());
    const std::string url = (address.socket.empty() ? address.url : "http://engine") + path;
    curl.set(CURLOPT_URL, url.c_str());
    curl.set(CURLOPT_PROXY, "");
    curl.set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl.set(CURLOPT_TIMEOUT, kSeconds);
    curl.set(CURLOPT_WRITEFUNCTION, &on_body);
    curl.set(CURLOPT_WRITEDATA, this);
    curl.set(CURLOPT_HEADERFUNCTION, &on_header);
    curl.set(CURLOPT_HEADERDATA, this);
    set_certificates(address.certificates);
    body.clear();
    const CURLcode code = curl.perform(stop);
    check_stop(stop);
    if (code != CURLE_OK) refuse(address, code);
    return curl.response_code();
  }

  [[noreturn]] void refuse(const EngineAddress& address, CURLcode code) {
    long cause = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &cause);
    if (cause == EACCES || cause == EPERM) {
      throw NotAllowed(
          fmt::format("container engine: {}: this user may not open it", address.name()),
          "put the user into the group docker (`usermod -aG docker USER`, then log in anew), or "
          "run pgstow as root");
    }
    const std::string why = cause != 0 && code == CURLE_COULDNT_CONNECT
                                ? std::generic_category().message(static_cast<int>(cause))
                                : curl.problem(code);
    throw Transient(fmt::format("container engine: {}: {}", address.name(), why),
                    "is Docker running? `systemctl start docker`, or check DOCKER_HOST");
  }
};

Engine::Engine(EngineAddress address, std::stop_token stop)
    : address_(std::move(address)), wire_(std::make_unique<Wire>()) {
  wire_->stop = std::move(stop);
  const long status = wire_->ask(address_, "/_ping");  // the one path without a version
  const auto minor = minor_of(wire_->api_version);
  if (status != 200 || !minor) {
    throw Error(
        fmt::format("container engine: {}: status {}, and no API version", address_.name(), status),
        "is it an engine's address? See DOCKER_HOST");
  }
  version_ = fmt::format("1.{}", std::min<std::int64_t>(*minor, kNewestMinor));
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;

boost::json::value Engine::get(const std::string& path) {
  const long status = wire_->ask(address_, "/v" + version_ + path);
  boost::system::error_code bad;
  boost::json::value reply = boost::json::parse(wire_->body, bad);
  if (status == 200 && !bad) return reply;
  std::string said = "no JSON";
  if (!bad && reply.is_object() && reply.get_object().contains("message")) {
    said = printable(boost::json::value_to<std::string>(reply.get_object().at("message")));
  }
  const std::string text =
      fmt::format("container engine: {}: status {}: {}", address_.name(), status, said);
  if (status == 404) throw NotFound(text);
  throw Transient(text);
}

}  // namespace pgstow::pg
