#include "daemon/notify_mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "daemon/testing_notify.h"
#include "harness/ports.h"
#include "harness/smtp_server.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class MailTest : public ::testing::Test {
 protected:
  MailSettings settings(const std::string& url) const {
    return {.url = url,
            .tls = tls,
            .user = user,
            .password = password,
            .from = "pgstow <backup@example.org>",
            .to = to};
  }
  void send(const std::string& url, const Event& event = failed_event()) {
    MailNotifier(settings(url), basics).send(event, test.context());
  }
  void send(const SmtpPeer& peer, const Event& event = failed_event()) {
    basics.http.ca = peer.ca();
    send(peer.url(), event);
  }
  template <typename Server>
  std::string failure(const Server& server) {
    return thrown_by([&] { send(server); });
  }

  TestContext test;
  NotifyBasics basics = quick_basics();
  std::string tls = "required";
  std::string user;
  std::string password;
  std::string to = "a@example.org";
};

TEST_F(MailTest, GoesOverTlsWithALogin) {
  user = "backup@example.org";
  password = "canary-password";
  const SmtpPeer peer({.user = user, .password = password});
  Event event = failed_event();
  event.database = "größe 😀\r\nBcc: evil@example.org" + std::string(100, 'x');
  event.error = "Spalte »größe« fehlt\n.\nQUIT";
  send(peer, event);
  const std::vector<ReceivedMail> mails = peer.mails();
  ASSERT_EQ(mails.size(), 1U);
  const ReceivedMail& mail = mails[0];
  EXPECT_TRUE(mail.tls);
  EXPECT_EQ(mail.user, user);
  EXPECT_EQ(mail.sender, "backup@example.org");
  EXPECT_THAT(mail.recipients, ElementsAre("a@example.org"));
  EXPECT_EQ(mail.headers.at("from"), "pgstow <backup@example.org>");
  EXPECT_EQ(mail.headers.at("to"), "a@example.org");
  EXPECT_EQ(mail.headers.at("date"), "Sun, 22 Nov 2026 21:05:28 +0000");
  EXPECT_EQ(mail.headers.at("auto-submitted"), "auto-generated");
  EXPECT_THAT(mail.headers.at("message-id"), ::testing::MatchesRegex("<[0-9a-f]+@example.org>"));
  EXPECT_THAT(mail.headers.at("subject"),
              StartsWith("[pgstow] Backup of größe 😀\\x0d\\nBcc: evil@example.orgxxx"));
  EXPECT_FALSE(mail.headers.contains("bcc"));
  EXPECT_THAT(mail.text, HasSubstr("Why: Spalte »größe« fehlt\n.\nQUIT\nWhat to do: look"));
  EXPECT_THAT(mail.raw, Not(HasSubstr("canary")));
}

TEST_F(MailTest, TlsFromTheFirstByte) {
  const SmtpPeer peer({.tls_at_once = true});
  send(peer);
  EXPECT_TRUE(peer.mails().at(0).tls);
}

TEST_F(MailTest, WithoutTlsOnThisHost) {
  tls = "none";
  const SmtpPeer peer({.tls = false});
  send(peer);
  EXPECT_FALSE(peer.mails().at(0).tls);
}

TEST_F(MailTest, OneWhoIsRefusedKeepsItFromNoOther) {
  to = "a@example.org, Nobody <no@example.org>, b@example.org";
  const SmtpPeer peer({.refused = {"no@example.org"}});
  EXPECT_THAT(
      failure(peer),
      HasSubstr("mail: 1 of 3 recipients did not get it: no@example.org: 550 5.1.1 there is "
                "nobody called no@example.org | look at BACKUP_MAIL_TO"));
  const std::vector<ReceivedMail> mails = peer.mails();
  ASSERT_EQ(mails.size(), 2U);
  EXPECT_THAT(mails[0].recipients, ElementsAre("a@example.org"));
  EXPECT_THAT(mails[1].recipients, ElementsAre("b@example.org"));
  EXPECT_EQ(mails[0].headers.at("to"), "a@example.org, Nobody <no@example.org>, b@example.org");
  EXPECT_EQ(mails[0].headers.at("message-id"), mails[1].headers.at("message-id"));
}

TEST_F(MailTest, AWrongPasswordIsSaid) {
  user = "backup";
  password = "canary-wrong";
  const SmtpPeer peer({.user = user, .password = "right"});
  EXPECT_THAT(failure(peer),
              AllOf(HasSubstr("ogin denied | look at BACKUP_SMTP_USER"), Not(HasSubstr("canary"))));
  EXPECT_THAT(peer.mails(), IsEmpty());
}

TEST_F(MailTest, AServerThatNobodyVouchesForGetsNothing) {
  const SmtpPeer peer;
  EXPECT_THAT(thrown_by([&] { send(peer.url()); }),
              AllOf(HasSubstr("certificate"), HasSubstr("BACKUP_NOTIFY_CA")));
  EXPECT_THAT(peer.mails(), IsEmpty());
}

// Neither login nor mail leaves this host in the clear: EHLO is all that is said.
TEST_F(MailTest, WithoutStarttlsNothingIsSent) {
  user = "backup";
  password = "canary-password";
  for (const char* offered : {"250-smtp.test\r\n250 AUTH PLAIN LOGIN\r\n",
                              "250-smtp.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"}) {
    ScriptedSmtp server;
    server.on("EHLO", offered);
    server.on("STARTTLS", "502 not here\r\n");
    EXPECT_THAT(
        thrown_by([&] { send(server.url()); }),
        AllOf(HasSubstr("does not begin TLS, so nothing was sent"), HasSubstr("BACKUP_SMTP_TLS")));
    for (const std::string& line : server.heard()) {
      EXPECT_TRUE(line.starts_with("EHLO") || line == "STARTTLS" || line == "QUIT") << line;
    }
    EXPECT_THAT(server.heard(), Contains(StartsWith("EHLO")));
  }
}

TEST_F(MailTest, GreylistedOnesAreAskedAgain) {
  tls = "none";
  to = "a@example.org, b@example.org";
  ScriptedSmtp server;
  server.on("RCPT TO:<b@", "451 4.7.1 come back later\r\n");
  send(server.url());
  const std::vector<std::string> heard = server.heard();
  EXPECT_EQ(std::ranges::count(heard, "RCPT TO:<a@example.org>"), 1);
  EXPECT_EQ(std::ranges::count(heard, "RCPT TO:<b@example.org>"), 2);
  EXPECT_EQ(std::ranges::count(heard, "."), 2);
}

TEST_F(MailTest, GreylistedForTooLong) {
  tls = "none";
  ScriptedSmtp server;
  for (int i = 0; i < 20; ++i) server.on("RCPT", "451 4.7.1 come back later\r\n");
  EXPECT_THAT(thrown_by([&] { send(server.url()); }),
              HasSubstr("a@example.org: 451 4.7.1 come back later"));
  EXPECT_EQ(std::ranges::count(server.heard(), "RCPT TO:<a@example.org>"), 8);
}

TEST_F(MailTest, RefusedAtItsEnd) {
  tls = "none";
  ScriptedSmtp server;
  server.on(".", "554 5.7.1 looks like spam\r\n");
  EXPECT_THAT(thrown_by([&] { send(server.url()); }),
              HasSubstr("a@example.org: 554 5.7.1 looks like spam"));
}

TEST_F(MailTest, AServerThatSaysNothingIsGivenUp) {
  tls = "none";
  basics.patience.attempts = 1;
  ScriptedSmtp server;
  server.stall_at("MAIL");
  EXPECT_THROW(send(server.url()), Transient);
}

TEST_F(MailTest, NoServerIsTriedAgain) {
  EXPECT_THAT(thrown_by([&] { send("smtp://127.0.0.1:" + std::to_string(free_port())); }),
              AllOf(StartsWith("mail: smtp://127.0.0.1:"), HasSubstr("onnect")));
  EXPECT_THAT(test.logged(), HasSubstr("tried again in 1.0 s"));
}

TEST_F(MailTest, WrongSettingsAreNamed) {
  const auto with = [&](auto change) {
    MailSettings wrong = settings("smtp://mail.example.org");
    change(wrong);
    return thrown_by([&] { MailNotifier(wrong, quick_basics()); });
  };
  EXPECT_THAT(with([](auto& s) { s.to = ""; }), HasSubstr("BACKUP_MAIL_TO is not"));
  EXPECT_THAT(with([](auto& s) { s.to = "nobody"; }), HasSubstr("BACKUP_MAIL_TO: \"nobody\""));
  EXPECT_THAT(with([](auto& s) { s.from = ""; }), HasSubstr("BACKUP_MAIL_FROM is not"));
  EXPECT_THAT(with([](auto& s) { s.from = "x"; }), HasSubstr("BACKUP_MAIL_FROM: \"x\""));
  EXPECT_THAT(with([](auto& s) { s.tls = "no"; }), HasSubstr("BACKUP_SMTP_TLS"));
  EXPECT_THAT(with([](auto& s) { s.user = "x"; }), HasSubstr("BACKUP_SMTP_USER and"));
  EXPECT_THAT(with([](auto& s) { s.url = "mail.example.org"; }),
              HasSubstr("BACKUP_SMTP_URL: no URL"));
  EXPECT_THAT(with([](auto& s) { s.url = "smtp://me:canary@x"; }),
              AllOf(HasSubstr("BACKUP_SMTP_URL: there is a user"), Not(HasSubstr("canary"))));
  EXPECT_THAT(with([](auto& s) { s.url = "smtp://x/path"; }),
              HasSubstr("BACKUP_SMTP_URL: there is more"));
  EXPECT_THAT(with([](auto& s) {
                s.url = "smtps://x";
                s.tls = "none";
              }),
              HasSubstr("smtps"));
  EXPECT_THAT(with([](auto& s) {
                s.tls = "none";
                s.user = "u";
                s.password = "p";
              }),
              HasSubstr("the password would go over the network"));
}

TEST(SmtpUrl, HasThePortThatIsUsual) {
  EXPECT_EQ(parse_smtp_url("smtp://mail.example.org/", true).url, "smtp://mail.example.org:587");
  EXPECT_EQ(parse_smtp_url("smtp://mail.example.org", false).url, "smtp://mail.example.org:25");
  EXPECT_EQ(parse_smtp_url("smtps://mail.example.org", true).url, "smtps://mail.example.org:465");
  EXPECT_EQ(parse_smtp_url("smtp://[::1]:2525", true).url, "smtp://[::1]:2525");
  EXPECT_TRUE(is_loopback(parse_smtp_url("smtp://[::1]", true)));
  EXPECT_FALSE(is_loopback(parse_smtp_url("smtp://localhost.example.org", true)));
}

}  // namespace
}  // namespace pgstow::test
