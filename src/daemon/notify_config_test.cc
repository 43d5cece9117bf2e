#include "daemon/notify_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "daemon/testing_notify.h"
#include "harness/scripted_http.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = Event::Kind;
using Variables = std::map<std::string, std::string>;

Config config_of(const Variables& variables) {
  Config config;
  config.zone = Zone::load("UTC");
  config.settings = Settings::resolve(
      settings_table(), {.flags = {},
                         .environment = [&](const std::string& name) -> std::optional<std::string> {
                           const auto found = variables.find(name);
                           if (found == variables.end()) return std::nullopt;
                           return found->second;
                         },
                         .env_file_name = ".env",
                         .env_file = {}});
  return config;
}

const Variables kAll = {{"BACKUP_TELEGRAM_TOKEN", "123:canary"},
                        {"BACKUP_TELEGRAM_CHAT", "-5"},
                        {"BACKUP_WEBHOOK_URL", "https://hooks.test/canary"},
                        {"BACKUP_SMTP_URL", "smtp://mail.test"},
                        {"BACKUP_MAIL_FROM", "b@mail.test"},
                        {"BACKUP_MAIL_TO", "a@mail.test"},
                        {"BACKUP_PING_URL", "https://hc.test/canary"}};

Variables with(const std::string& name, const std::string& value) {
  Variables variables = kAll;
  variables[name] = value;
  return variables;
}

std::vector<std::string> names_of(const Variables& variables) {
  std::vector<std::string> names;
  for (const auto& notifier : make_notifiers(config_of(variables)).notifiers) {
    names.push_back(notifier->name());
  }
  return names;
}

std::vector<std::string> problems_of(const Variables& variables) {
  std::vector<std::string> problems;
  for (const ConfigError& e : make_notifiers(config_of(variables)).problems) {
    problems.push_back(std::string(e.what()) + " | " + e.hint());
  }
  return problems;
}

TEST(NotifyConfig, MakesWhatIsConfigured) {
  EXPECT_THAT(names_of({}), IsEmpty());
  EXPECT_THAT(problems_of({}), IsEmpty());
  EXPECT_THAT(names_of(kAll), ElementsAre("telegram", "webhook", "mail", "ping"));
  EXPECT_THAT(problems_of(kAll), IsEmpty());
}

TEST(NotifyConfig, HalfConfiguredOnesAreMistakes) {
  const auto only = [](const std::string& name, const std::string& value) {
    EXPECT_THAT(names_of({{name, value}}), IsEmpty());
    const auto problems = problems_of({{name, value}});
    return problems.size() == 1 ? problems[0] : "not one problem";
  };
  EXPECT_THAT(only("BACKUP_TELEGRAM_TOKEN", "123:canary"),
              HasSubstr("BACKUP_TELEGRAM_CHAT is not"));
  EXPECT_THAT(only("BACKUP_TELEGRAM_CHAT", "5"), HasSubstr("BACKUP_TELEGRAM_TOKEN is not set"));
  EXPECT_THAT(only("BACKUP_WEBHOOK_SECRET", "x"), HasSubstr("BACKUP_WEBHOOK_URL is not set"));
  EXPECT_THAT(only("BACKUP_SMTP_URL", "smtp://mail.test"), HasSubstr("BACKUP_MAIL_FROM is not"));
  EXPECT_THAT(only("BACKUP_MAIL_TO", "a@mail.test"), HasSubstr("BACKUP_SMTP_URL is not set"));
}

TEST(NotifyConfig, AWrongOneIsLeftOutAndNamed) {
  EXPECT_THAT(names_of(with("BACKUP_WEBHOOK_FORMAT", "teams")),
              ElementsAre("telegram", "mail", "ping"));
  EXPECT_THAT(problems_of(with("BACKUP_WEBHOOK_FORMAT", "teams")),
              ElementsAre(StartsWith("BACKUP_WEBHOOK_FORMAT: \"teams\"")));
  EXPECT_THAT(problems_of(with("BACKUP_PING_URL", "canary")),
              ElementsAre(AllOf(StartsWith("BACKUP_PING_URL: no URL"), Not(HasSubstr("canary")))));
}

// Settings of all of them: the notifiers stay, with the defaults.
TEST(NotifyConfig, AWrongTextSilencesNobody) {
  EXPECT_THAT(names_of(with("BACKUP_NOTIFY_TEMPLATE", "{databse}")), Contains("telegram"));
  EXPECT_THAT(problems_of(with("BACKUP_NOTIFY_TEMPLATE", "{databse}")),
              ElementsAre(StartsWith("BACKUP_NOTIFY_TEMPLATE: there is no placeholder {databse}")));
  const Notifiers made = make_notifiers(config_of(with("BACKUP_NOTIFY_ON", "never")));
  EXPECT_EQ(made.notifiers.size(), 4U);
  EXPECT_TRUE(made.notifiers[0]->wants(Kind::kFailed, false));
  EXPECT_FALSE(made.notifiers[0]->wants(Kind::kGood, false));
  EXPECT_THAT(made.problems.at(0).what(), StartsWith("BACKUP_NOTIFY_ON: \"never\""));
}

TEST(NotifyConfig, BackupNotifyOnIsForAllButThePing) {
  const Notifiers made = make_notifiers(config_of(with("BACKUP_NOTIFY_ON", "recovery")));
  for (const auto& notifier : made.notifiers) {
    EXPECT_EQ(notifier->wants(Kind::kFailed, false), notifier->name() == "ping");
    EXPECT_TRUE(notifier->wants(Kind::kTest, false));
  }
}

TEST(NotifyConfig, TheTextReachesTheMessages) {
  ScriptedHttp http({.status = 200, .headers = {}, .body = R"({"ok":true})"});
  Variables variables = with("BACKUP_TELEGRAM_API", http.url());
  variables["BACKUP_NOTIFY_TEMPLATE"] = "{database} {event}!";
  TestContext test;
  make_notifiers(config_of(variables)).notifiers.at(0)->send(failed_event(), test.context());
  EXPECT_THAT(http.calls().at(0).body, HasSubstr("<b>shop failed!</b>"));
}

TEST(NotifyConfig, AJobIsWarnedAndGoesOn) {
  TestContext test;
  const Context context = test.context();
  EXPECT_EQ(notifiers_of_job(config_of(with("BACKUP_TELEGRAM_CHAT", "")), context.log).size(), 3U);
  EXPECT_THAT(test.logged(),
              AllOf(HasSubstr("warning notifications: BACKUP_TELEGRAM_TOKEN is set, but"),
                    HasSubstr("hint=\"set it to"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace pgstow::test
