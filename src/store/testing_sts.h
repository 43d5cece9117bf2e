// STS as tests see it: answers, and what was asked for.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

#include "base/text.h"
#include "store/testing_keys.h"

namespace pgstow::test {

inline HttpReply sts_reply(std::string_view action, std::string_view id,
                           std::string_view expiration = "2026-11-22T22:05:28Z") {
  return reply(200, fmt::format(R"(<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{0}Result><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/x</Arn></AssumedRoleUser>
    <Credentials><AccessKeyId>{1}</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>
      <SessionToken>canary-token</SessionToken><Expiration>{2}</Expiration></Credentials>
  </{0}Result></{0}Response>)",
                                action, id, expiration));
}

inline HttpReply sts_error(int status, std::string_view code) {
  return reply(status,
               fmt::format(R"(<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{}</Code><Message>canary</Message></Error></ErrorResponse>)",
                           code));
}

inline std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A form's fields, decoded.
inline std::map<std::string, std::string> form(const SentRequest& request) {
  std::map<std::string, std::string> fields;
  for (const std::string_view part : split(request.body, '&')) {
    const std::size_t equals = part.find('=');
    fields[decoded(part.substr(0, equals))] = decoded(part.substr(equals + 1));
  }
  return fields;
}

// Answers every request of that action with keys called "ASIA1", "ASIA2", ...
inline FakeWeb::Answer sts_answers(const FakeWeb& web) {
  return [&web](const SentRequest& request) {
    return sts_reply(form(request)["Action"], fmt::format("ASIA{}", web.sent().size()));
  };
}

}  // namespace pgstow::test
