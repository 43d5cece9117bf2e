#include "harness/http_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::test {
namespace {

constexpr std::size_t kLongestHead = 65'536;

void read_request_line(std::string_view line, HttpCall& call) {
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() != 3 || !words[2].starts_with("HTTP/1.")) {
    throw Error("no HTTP request: " + printable(line));
  }
  const std::string_view target = words[1];
  const std::size_t question = std::min(target.find('?'), target.size());
  call.method = words[0];
  call.path = target.substr(0, question);
  if (question < target.size()) call.query = target.substr(question + 1);
}

void read_header(std::string_view line, HttpCall& call) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) throw Error("no HTTP header: " + printable(line));
  std::string& value = call.headers[lower(line.substr(0, colon))];
  if (!value.empty()) value += ",";
  value += trim(line.substr(colon + 1));
}

HttpCall parse_head(std::string_view head) {
  HttpCall call;
  bool first = true;
  for (const std::string_view line : split(head, '\n')) {
    if (std::exchange(first, false)) {
      read_request_line(trim(line), call);
    } else {
      read_header(trim(line), call);
    }
  }
  if (call.headers.contains("transfer-encoding")) throw Error("a chunked request: not supported");
  return call;
}

std::string_view reason(int status) {
  static const std::map<int, std::string_view> kReasons = {{200, "OK"},
                                                           {204, "No Content"},
                                                           {206, "Partial Content"},
                                                           {400, "Bad Request"},
                                                           {403, "Forbidden"},
                                                           {404, "Not Found"},
                                                           {409, "Conflict"},
                                                           {412, "Precondition Failed"},
                                                           {416, "Range Not Satisfiable"},
                                                           {500, "Internal Server Error"},
                                                           {503, "Service Unavailable"}};
  const auto at = kReasons.find(status);
  return at == kReasons.end() ? "Other" : at->second;
}

}  // namespace

std::string HttpCall::header(const std::string& name) const {
  const auto at = headers.find(name);
  return at == headers.end() ? "" : at->second;
}

std::uint64_t HttpCall::length() const {
  return static_cast<std::uint64_t>(parse_int(header("content-length")).value_or(0));
}

bool HttpCall::wants_close() const { return lower(header("connection")) == "close"; }

std::size_t HttpReader::fill() {
  std::array<char, 65'536> buffer;  // NOLINT: receive() fills what is used
  const std::size_t n = peer_.receive(buffer);
  ahead_.append(buffer.data(), n);
  return n;
}

std::optional<HttpCall> HttpReader::head() {
  std::size_t end = 0;
  while ((end = ahead_.find("\r\n\r\n")) == std::string::npos) {
    if (ahead_.size() > kLongestHead) throw Error("a request's head without end");
    if (fill() > 0) continue;
    if (ahead_.empty()) return std::nullopt;
    throw PeerGone();
  }
  HttpCall call = parse_head(std::string_view(ahead_).substr(0, end));
  ahead_.erase(0, end + 4);
  return call;
}

void HttpReader::body(HttpCall& call, std::uint64_t at_most, bool say_continue) {
  const bool waits = lower(call.header("expect")) == "100-continue" && ahead_.empty();
  if (waits && say_continue) peer_.send("HTTP/1.1 100 Continue\r\n\r\n");
  const std::uint64_t wanted = std::min(call.length(), at_most);
  while (call.body.size() < wanted) {
    if (ahead_.empty() && fill() == 0) throw PeerGone();
    const std::size_t n = std::min<std::size_t>(ahead_.size(), wanted - call.body.size());
    call.body.append(ahead_, 0, n);
    ahead_.erase(0, n);
  }
}

std::string http_date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) throw_errno("gmtime_r");
  std::array<char, 40> text{};
  return {text.data(),
          std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string reply_head(const S3Reply& reply, std::string_view version) {
  std::string text = fmt::format("{} {} {}\r\n", version, reply.status, reason(reply.status));
  for (const auto& [name, value] : reply.headers) text += fmt::format("{}: {}\r\n", name, value);
  return text + "\r\n";
}

std::string reply_text(const S3Reply& reply, std::string_view method, std::string_view version) {
  S3Reply whole = reply;
  const bool bodiless = reply.status < 200 || reply.status == 204 || reply.status == 304;
  if (!bodiless) whole.headers.try_emplace("content-length", std::to_string(reply.body.size()));
  std::string text = reply_head(whole, version);
  return method == "HEAD" || bodiless ? text : std::move(text) + reply.body;
}

}  // namespace pgstow::test
