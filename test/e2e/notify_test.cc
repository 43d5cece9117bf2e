// pgstow notify --test, as its users meet it. It needs no database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/ports.h"
#include "harness/program.h"
#include "harness/scripted_http.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class NotifyCommandTest : public ::testing::Test {
 protected:
  Outcome pgstow(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), PGSTOW_BINARY);
    return run({.argv = arguments, .env = variables, .folder = folder.path()});
  }

  TempDir folder;
  ScriptedHttp http{{.status = 200, .headers = {}, .body = R"({"ok":true})"}};
  std::vector<std::string> variables = {"PGDATABASE=shop", "BACKUP_TELEGRAM_TOKEN=1:canary",
                                        "BACKUP_TELEGRAM_CHAT=5",
                                        "BACKUP_TELEGRAM_API=" + http.url()};
};

TEST_F(NotifyCommandTest, SendsATestThroughEach) {
  variables.push_back("BACKUP_PING_URL=" + http.url() + "/canary-ping");
  const Outcome outcome = pgstow({"notify", "--test"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_EQ(outcome.out, "telegram  good\nping      good\n");
  ASSERT_EQ(http.calls().size(), 2U);
  EXPECT_THAT(http.calls()[0].body, HasSubstr("Test: pgstow can tell you about shop on "));
  EXPECT_EQ(http.calls()[1].path, "/canary-ping/log");
}

TEST_F(NotifyCommandTest, SaysWhichFailAndWhy) {
  variables.push_back("BACKUP_WEBHOOK_URL=http://127.0.0.1:" + std::to_string(free_port()) +
                      "/canary");
  http.then({.status = 401,
             .headers = {},
             .body = R"({"ok":false,"description":"Unauthorized 1:canary"})"});
  const Outcome outcome = pgstow({"notify", "--test"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("telegram  failed: telegram: status 401: Unauthorized ***\n"
                              "          hint: BACKUP_TELEGRAM_TOKEN is not"),
                    HasSubstr("webhook   failed: http://127.0.0.1:"), HasSubstr("onnect")));
  EXPECT_THAT(outcome.describe(), Not(HasSubstr("canary")));
}

TEST_F(NotifyCommandTest, NamesWrongSettings) {
  variables.emplace_back("BACKUP_SMTP_URL=smtp://mail.test");
  const Outcome outcome = pgstow({"notify", "--test"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("telegram  good\n"),
                                 HasSubstr("settings  failed: BACKUP_SMTP_URL is set, but "
                                           "BACKUP_MAIL_FROM is not\n          hint: ")));
  EXPECT_THAT(pgstow({"config"}).err, HasSubstr("notifications: BACKUP_SMTP_URL is set"));
}

TEST_F(NotifyCommandTest, SaysThatNobodyIsTold) {
  variables.clear();
  const Outcome outcome = pgstow({"notify", "--test"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.describe();
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("no notifier is configured"),
                                 HasSubstr("hint: BACKUP_TELEGRAM_TOKEN")));
  EXPECT_EQ(pgstow({"notify"}).exit_code, 2);
}

}  // namespace
}  // namespace pgstow::test
