// A mail as text (RFC 5322, MIME): built small, so that nothing but what is meant gets into a
// header.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace pgstow {

struct Mailbox {
  std::string name = {};  // to be shown; often empty
  std::string address;    // ASCII
};

// "someone@example.org" or "Some One <someone@example.org>". Throws ConfigError.
Mailbox parse_mailbox(std::string_view text);
// Several, separated by commas. At least one.
std::vector<Mailbox> parse_mailboxes(std::string_view text);

struct Mail {
  Mailbox from;
  std::vector<Mailbox> to;
  std::string subject;
  std::string text;  // UTF-8, lines end with \n
  Time date;
  std::string id;  // unique; becomes the left part of Message-ID
};

// With CRLF, as it is sent. It says that no person wrote it (RFC 3834), so that none answers for
// one who is on holiday.
std::string mail_text(const Mail& mail);

}  // namespace pgstow
