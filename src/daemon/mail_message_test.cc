#include "daemon/mail_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.h"
#include "daemon/encoded_word.h"
#include "daemon/testing_notify.h"

namespace pgstow::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(MailMessage, IsWrittenAsItIsReadEverywhere) {
  const std::string text = mail_text(
      {.from = {.name = "Backup, nightly", .address = "b@example.org"},
       .to = {{.address = "x@example.org"}, {.name = "Jürgen", .address = "j@example.org"}},
       .subject = "[pgstow] plain",
       .text = "one\ntwo",
       .date = noon(),
       .id = "abc"});
  EXPECT_EQ(text,
            "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
            "From: \"Backup, nightly\"\r\n <b@example.org>\r\n"
            "To: x@example.org,\r\n =?UTF-8?B?SsO8cmdlbg==?=\r\n <j@example.org>\r\n"
            "Subject: [pgstow] plain\r\n"
            "Message-ID: <abc@example.org>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n"
            "\r\n"
            "b25lDQp0d28NCg==\r\n");
}

// Whatever stands in a subject and a text, no line is too long and no header is begun by it.
TEST(MailMessage, NothingGetsIntoAHeader) {
  EXPECT_TRUE(
      rc::check([](const std::string& subject, const std::string& name, const std::string& text) {
        const std::string mail = mail_text({.from = {.name = name, .address = "b@example.org"},
                                            .to = {{.address = "x@example.org"}},
                                            .subject = subject + "\r\nBcc: y@example.org",
                                            .text = text,
                                            .date = noon(),
                                            .id = "abc"});
        const std::string head = mail.substr(0, mail.find("\r\n\r\n"));
        int headers = 0;
        for (const std::string_view line : split(head, '\n')) {
          RC_ASSERT(line.size() <= 998);
          headers += line.starts_with(' ') ? 0 : 1;
        }
        RC_ASSERT(headers == 9);
        for (const char c : mail) RC_ASSERT(static_cast<unsigned char>(c) < 0x7F);
      }));
}

TEST(MailMessage, AddressesAreTakenApart) {
  const std::vector<Mailbox> some = parse_mailboxes(" a@b.c, Jo Do <jo@do.org> ,\"Q\" <q@x.y>,");
  ASSERT_EQ(some.size(), 3U);
  EXPECT_EQ(some[0].address, "a@b.c");
  EXPECT_EQ(some[1].name, "Jo Do");
  EXPECT_EQ(some[1].address, "jo@do.org");
  EXPECT_EQ(some[2].name, "Q");
  for (const char* wrong : {"", ",", "nobody", "a@b@c", "a b@c.d", "<a@b.c",
                            "a@b.c\r\nRCPT TO:<x@y.z>", "ä@b.c", "a@b.c>", "@b.c", "a@"}) {
    EXPECT_THROW(parse_mailboxes(wrong), ConfigError) << wrong;
  }
}

TEST(EncodedWords, AreShortAndWhole) {
  EXPECT_EQ(encoded_words("plain [text]", " "), "plain [text]");
  EXPECT_EQ(encoded_words("ä", " "), "=?UTF-8?B?w6Q=?=");
  EXPECT_EQ(encoded_words("a\r\nb", " "), "a\\x0d\\nb");
  EXPECT_THAT(encoded_words("=?x", " "), StartsWith("=?UTF-8?B?"));
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const std::string words = encoded_words(text + "ä", "\n");
    for (const std::string_view word : split(words, '\n')) {
      RC_ASSERT(word.size() <= 75 && word.starts_with("=?UTF-8?B?") && word.ends_with("?="));
    }
  }));
}

}  // namespace
}  // namespace pgstow::test
