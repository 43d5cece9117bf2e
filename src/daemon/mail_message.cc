#include "daemon/mail_message.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "daemon/encoded_word.h"
#include "store/s3_digest.h"

namespace pgstow {
namespace {

constexpr std::size_t kLine = 76;            // of base64 (RFC 2045)
constexpr std::string_view kFold = "\r\n ";  // a header's line goes on

// Of what an address may have unquoted (RFC 5322, dot-atom): what SMTP servers take everywhere.
bool is_address_character(char c) {
  return c > ' ' && c <= '~' && std::string_view("<>()[],;:\\\"@").find(c) == std::string::npos;
}

bool is_address(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         std::ranges::all_of(text.substr(0, at), is_address_character) &&
         std::ranges::all_of(text.substr(at + 1), is_address_character);
}

std::string domain_of(const Mailbox& mailbox) {
  return mailbox.address.substr(mailbox.address.find('@') + 1);
}

std::string quoted_string(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string header_text(const Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.address;
  std::string name = encoded_words(mailbox.name, kFold);
  if (name == mailbox.name) name = quoted_string(name);  // commas and the like have a meaning
  return fmt::format("{}{}<{}>", name, kFold, mailbox.address);
}

std::string header_text(const std::vector<Mailbox>& mailboxes) {
  std::vector<std::string> texts;
  texts.reserve(mailboxes.size());
  for (const Mailbox& mailbox : mailboxes) texts.push_back(header_text(mailbox));
  return join(texts, "," + std::string(kFold));
}

std::string body_text(std::string_view text) {
  std::string lines;
  for (const char c : text) lines += c == '\n' ? "\r\n" : std::string(1, c);
  const std::string encoded = base64(lines + "\r\n");
  std::string out;
  for (std::size_t at = 0; at < encoded.size(); at += kLine) {
    out += encoded.substr(at, kLine) + "\r\n";
  }
  return out;
}

}  // namespace

Mailbox parse_mailbox(std::string_view text) {
  const std::string_view clean = trim(text);
  const std::size_t open = clean.rfind('<');
  Mailbox mailbox{.address = std::string(clean)};
  if (open != std::string_view::npos && clean.ends_with('>')) {
    mailbox.name = trim(clean.substr(0, open));
    mailbox.address = clean.substr(open + 1, clean.size() - open - 2);
    const std::string_view name = mailbox.name;
    if (name.size() > 1 && name.front() == '"' && name.back() == '"') {
      mailbox.name = std::string(name.substr(1, name.size() - 2));
    }
  }
  if (is_address(mailbox.address) && printable(mailbox.name) == mailbox.name) return mailbox;
  throw ConfigError(fmt::format("\"{}\" is no address", printable(clean)),
                    "someone@example.org, or Some One <someone@example.org>");
}

std::vector<Mailbox> parse_mailboxes(std::string_view text) {
  std::vector<Mailbox> mailboxes;
  for (const std::string_view part : split(text, ',')) {
    if (!trim(part).empty()) mailboxes.push_back(parse_mailbox(part));
  }
  if (mailboxes.empty()) throw ConfigError("there is no address in it");
  return mailboxes;
}

std::string mail_text(const Mail& mail) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(mail.date);
  return fmt::format(
      "Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\n"
      "From: {}\r\n"
      "To: {}\r\n"
      "Subject: {}\r\n"
      "Message-ID: <{}@{}>\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n"
      "\r\n"
      "{}",
      seconds, header_text(mail.from), header_text(mail.to), encoded_words(mail.subject, kFold),
      mail.id, domain_of(mail.from), body_text(mail.text));
}

}  // namespace pgstow
