// What the tests of key sources share: variables, a web that answers as it is told, keys in JSON.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env_expand.h"
#include "base/error.h"
#include "store/http_message.h"
#include "store/key_source.h"
#include "store/testing_context.h"

namespace pgstow::test {

using Variables = std::map<std::string, std::string>;

// A request as it was sent, its body kept.
struct SentRequest {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
};

// Answers requests by a function and keeps them. Thread-safe.
class FakeWeb {
 public:
  using Answer = std::function<HttpReply(const SentRequest&)>;
  explicit FakeWeb(Answer answer) : answer_(std::move(answer)) {}

  HttpSend send() {
    return [this](const HttpRequest& request) {
      SentRequest copy{.method = request.method,
                       .url = request.url,
                       .headers = {},
                       .body = std::string(request.body)};
      for (const HttpHeader& header : request.headers) copy.headers[header.name] = header.value;
      const std::lock_guard lock(mutex_);
      sent_.push_back(copy);
      return answer_(copy);
    };
  }
  const std::vector<SentRequest>& sent() const { return sent_; }

 private:
  const Answer answer_;
  std::mutex mutex_;
  std::vector<SentRequest> sent_;
};

inline HttpReply reply(int status, std::string body = {}) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

inline std::string json_keys(std::string_view id, std::string_view expiration,
                             std::string_view token_member = "Token") {
  return fmt::format(
      R"({{"Code": "Success", "Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "canary-secret",
          "{}": "canary-token", "Expiration": "{}"}})",
      id, token_member, expiration);
}

// Everything a source works with; variables and answers are the test's.
class KeyTest {
 public:
  KeyTools tools() {
    return {.environment = environment(),
            .send = services.send(),
            .send_direct = direct.send(),
            .context = test.context()};
  }
  Lookup environment() {
    return [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
  }

  Variables variables;
  FakeWeb::Answer on_service = [](const SentRequest&) -> HttpReply { throw Transient("no route"); };
  FakeWeb::Answer on_direct = on_service;
  FakeWeb services{[this](const SentRequest& request) { return on_service(request); }};
  FakeWeb direct{[this](const SentRequest& request) { return on_direct(request); }};
  TestContext test;
};

// The text of what the call throws, and of its hint.
template <typename Call>
std::string thrown_text(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.hint().empty() ? e.what() : fmt::format("{} | {}", e.what(), e.hint());
  }
  return "nothing was thrown";
}

}  // namespace pgstow::test
