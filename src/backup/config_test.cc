#include "backup/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/json.h"

namespace pgstow {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using Flags = std::map<std::string, std::string>;

bool is_ours(std::string_view name) {
  for (const char* prefix : {"BACKUP_", "AWS_", "POSTGRES_", "PG", "DATABASE_URL"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

// An empty folder as the working directory and an environment without our names; both are put back.
class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() : before_(std::filesystem::current_path()) {
    std::string name = "/tmp/config_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::filesystem::current_path(folder_);
    for (const auto& [key, value] : ours()) {
      saved_[key] = value;
      ::unsetenv(key.c_str());
    }
  }
  ~ConfigTest() override {
    for (const auto& [key, value] : ours()) ::unsetenv(key.c_str());
    for (const auto& [key, value] : saved_) ::setenv(key.c_str(), value.c_str(), 1);
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  static Flags ours() {
    Flags found;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text(*entry);
      const std::size_t equals = text.find('=');
      if (is_ours(text)) found[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return found;
  }

  static void set(const char* name, const char* value) { ::setenv(name, value, 1); }

  void write_env(const std::string& text, const std::string& name = ".env") const {
    std::ofstream(folder_ / name) << text;
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::owner_read);
  }

  static Config load(const Flags& flags = {}) { return load_config(flags, std::nullopt); }

  // Text and hint.
  static std::string error(const Flags& flags = {},
                           const std::optional<std::string>& env_file = std::nullopt) {
    try {
      static_cast<void>(load_config(flags, env_file));
    } catch (const ConfigError& e) {
      return std::string(e.what()) + " | " + e.hint();
    }
    return "no error";
  }

  std::filesystem::path folder_;

 private:
  std::filesystem::path before_;
  Flags saved_;
};

TEST_F(ConfigTest, DefaultsAreTheGuides) {
  const Config config = load();
  EXPECT_EQ(config.local_path, "./backups");
  EXPECT_EQ(config.compression, (Compression{Compression::Format::kGzip, 2}));
  EXPECT_GE(config.jobs, 1U);
  EXPECT_EQ(config.lock_timeout, std::chrono::seconds(60));
  EXPECT_EQ(config.stall_timeout, std::chrono::minutes(15));
  EXPECT_EQ(config.log_format, LogFormat::kText);
  EXPECT_EQ(config.log_level, Level::kInfo);
  EXPECT_EQ(config.maintenance_db, "postgres");
  EXPECT_TRUE(config.pg_bin.empty());
  EXPECT_TRUE(config.log_file.path.empty());
  EXPECT_EQ(config.log_file.max_size, 10U << 20);
  EXPECT_EQ(config.log_file.keep, 5U);
  EXPECT_THAT(config.target.parameters, IsEmpty());
  EXPECT_THAT(config.warnings, IsEmpty());
  EXPECT_EQ(config.settings.text("BACKUP_S3_ENABLED"), "false");
  EXPECT_EQ(config.settings.text("BACKUP_S3_REGION"), "eu-central-1");
  EXPECT_EQ(config.settings.text("BACKUP_SCHEDULE_CRON"), "0 3 * * *");
}

TEST_F(ConfigTest, TheGuidesEnvFileIsUnderstood) {
  write_env(R"(# Backup Settings
BACKUP_LOCAL_PATH=./elsewhere
BACKUP_S3_ENABLED=true
BACKUP_S3_BUCKET=finance-bot-backups
BACKUP_S3_REGION=eu-central-1
AWS_ACCESS_KEY_ID=your_access_key
AWS_SECRET_ACCESS_KEY=your_secret_key
BACKUP_SCHEDULE_CRON=0 3 * * *
)");
  const Config config = load();
  EXPECT_EQ(config.local_path, "./elsewhere");
  EXPECT_THAT(config.warnings, IsEmpty());
  ASSERT_EQ(config.stores.size(), 2U);
  EXPECT_EQ(config.stores[0].folder, "./elsewhere");
  const S3Settings& s3 = config.stores[1].s3->settings;
  EXPECT_EQ(s3.bucket, "finance-bot-backups");
  EXPECT_EQ(s3.region, "eu-central-1");
  EXPECT_EQ(s3.prefix, "");
  EXPECT_EQ(s3.endpoint, "");
  EXPECT_EQ(config.stores[1].s3->environment("AWS_ACCESS_KEY_ID"), "your_access_key");
  EXPECT_THAT(config.secrets, AllOf(Contains("your_access_key"), Contains("your_secret_key")));
  EXPECT_EQ(config.settings.origin("BACKUP_SCHEDULE_CRON"), ".env:8");
}

TEST_F(ConfigTest, AnS3StoreHasAPlaceAPrefixAndLimits) {
  write_env(
      "BACKUP_STORES=s3,s3:offsite\nBACKUP_S3_BUCKET=s3://shop-backups/db/shop\n"
      "BACKUP_S3_PART_SIZE=16M\nBACKUP_S3_TAGS=team=shop, kind=backup\nBACKUP_S3_SSE=aws:kms\n"
      "BACKUP_S3_LOCK_MODE=Compliance\nBACKUP_S3_BANDWIDTH=2M\nAWS_REGION=eu-west-1\n"
      "BACKUP_S3_OFFSITE_BUCKET=far-away\nBACKUP_S3_OFFSITE_ENDPOINT=https://s3.example.org/\n"
      "BACKUP_S3_OFFSITE_ACCESS_KEY_ID=id\nBACKUP_S3_OFFSITE_SECRET_ACCESS_KEY=offsite-secret\n");
  const Config config = load();
  EXPECT_THAT(config.warnings, IsEmpty());
  const S3Settings& first = config.stores.at(0).s3->settings;
  EXPECT_EQ(first.bucket + " " + first.prefix, "shop-backups db/shop/");
  EXPECT_EQ(first.region, "eu-west-1");
  EXPECT_EQ(first.part_bytes, 16U << 20);
  EXPECT_EQ(first.most_bytes_per_second, 2U << 20);
  EXPECT_EQ(first.tags.at(1).second, "backup");
  EXPECT_EQ(first.encryption, "aws:kms");
  EXPECT_EQ(first.lock_mode, "COMPLIANCE");
  EXPECT_EQ(first.lock_days, 30);
  const S3Connection& offsite = *config.stores.at(1).s3;
  EXPECT_EQ(offsite.settings.name, "s3:offsite");
  EXPECT_EQ(offsite.settings.endpoint, "https://s3.example.org");
  EXPECT_EQ(offsite.credentials.keys->access_key_id, "id");
  EXPECT_THAT(config.secrets, Contains("offsite-secret"));
}

TEST_F(ConfigTest, AnArchiveClassIsWarnedOf) {
  const std::string bucket = "BACKUP_S3_ENABLED=true\nBACKUP_S3_BUCKET=shop-backups\n";
  for (const char* slow : {"GLACIER", "DEEP_ARCHIVE"}) {
    write_env(bucket + "BACKUP_S3_STORAGE_CLASS=" + slow + "\n");
    EXPECT_THAT(load().warnings, Contains(HasSubstr("BACKUP_S3_STORAGE_CLASS"))) << slow;
  }
  write_env(bucket + "BACKUP_S3_STORAGE_CLASS=GLACIER_IR\n");
  EXPECT_THAT(load().warnings, IsEmpty());
}

TEST_F(ConfigTest, WhatAnS3StoreCannotBeIsRefused) {
  const std::string good = "BACKUP_S3_ENABLED=true\nBACKUP_S3_BUCKET=shop-backups\n";
  for (const char* wrong :
       {"BACKUP_S3_BUCKET=a/b", "BACKUP_S3_PART_SIZE=1M", "BACKUP_S3_PART_SIZE=much",
        "BACKUP_S3_ENDPOINT=s3.example.org", "BACKUP_S3_ADDRESSING=both", "BACKUP_S3_SSE=rot13",
        "BACKUP_S3_SSE_KMS_KEY_ID=key", "BACKUP_S3_TAGS=shop", "BACKUP_S3_LOCK_MODE=hard",
        "BACKUP_S3_TRANSFERS=0", "BACKUP_S3_TAGS=a=b,c=d, a=c", "BACKUP_S3_BANDWIDTH=2K",
        "BACKUP_S3_BANDWIDTH=63K", "BACKUP_S3_BANDWIDTH=fast",
        "BACKUP_S3_BANDWIDTH=128K\nBACKUP_S3_TRANSFERS=32", "BACKUP_S3_MAX_PARTS=20000",
        "BACKUP_S3_STALL_TIMEOUT=0", "BACKUP_S3_ACCESS_KEY_ID=alone", "AWS_REGION=not a region"}) {
    write_env(good + wrong + "\n");
    EXPECT_THROW(load(), ConfigError) << wrong;
  }
  for (const char* slow : {"0", "64K"}) {
    write_env(good + "BACKUP_S3_BANDWIDTH=" + slow + "\n");
    EXPECT_NO_THROW(load()) << slow;
  }
  write_env("BACKUP_S3_ENABLED=true\n");
  EXPECT_THROW(load(), ConfigError);  // without a bucket
}

TEST_F(ConfigTest, ABucketThatIsNotEnabledIsReadOnly) {
  write_env("BACKUP_S3_BUCKET=shop-backups\n");
  const Config config = load();
  ASSERT_EQ(config.stores.size(), 2U);
  EXPECT_FALSE(config.stores[1].delivers);
  EXPECT_THAT(config.warnings, Contains(HasSubstr("no backups go there")));
  write_env("BACKUP_S3_BUCKET=shop-backups\nBACKUP_S3_ENABLED=false\n");
  EXPECT_EQ(load().stores.size(), 1U);
}

TEST_F(ConfigTest, EveryVariableIsRead) {
  write_env(
      "BACKUP_COMPRESSION=zstd:5\nBACKUP_JOBS=3\nBACKUP_LOCK_TIMEOUT=2m\nBACKUP_GIVE_WAY_AFTER="
      "30s\nBACKUP_STALL_TIMEOUT=0\n"
      "BACKUP_LOG_FORMAT=json\nBACKUP_LOG_LEVEL=Debug\nBACKUP_PG_BIN=/opt/pg/bin\n"
      "BACKUP_MAINTENANCE_DB=template1\nBACKUP_STATE_PATH=/srv/state\n"
      "BACKUP_LOG_FILE=/var/log/pgstow.log\nBACKUP_LOG_MAX_SIZE=1M\nBACKUP_LOG_KEEP=0\n");
  const Config config = load();
  EXPECT_EQ(config.compression, (Compression{Compression::Format::kZstd, 5}));
  EXPECT_EQ(config.jobs, 3U);
  EXPECT_EQ(config.lock_timeout, std::chrono::minutes(2));
  EXPECT_EQ(config.give_way_after, std::chrono::seconds(30));
  EXPECT_EQ(config.stall_timeout, std::chrono::seconds(0));
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_EQ(config.log_level, Level::kDebug);
  EXPECT_EQ(config.pg_bin, "/opt/pg/bin");
  EXPECT_EQ(config.maintenance_db, "template1");
  EXPECT_EQ(config.state_path, "/srv/state");
  EXPECT_EQ(config.log_file.path, "/var/log/pgstow.log");
  EXPECT_EQ(config.log_file.max_size, 1U << 20);
  EXPECT_EQ(config.log_file.keep, 0U);
  EXPECT_EQ(load({{"stall-timeout", "1d"}}).stall_timeout, std::chrono::hours(24));
}

TEST_F(ConfigTest, WrongValuesAreNamedWithTheirOriginAndAHint) {
  EXPECT_EQ(error({{"jobs", "0"}}),
            "BACKUP_JOBS: \"0\" is not allowed (flag --jobs) | allowed is 1 to 256");
  for (const auto& [flag, value] :
       std::vector<std::pair<std::string, std::string>>{{"jobs", "two"},
                                                        {"lock-timeout", "5 m"},
                                                        {"lock-timeout", "25d"},
                                                        {"stall-timeout", "-1"},
                                                        {"stall-timeout", "9999999999d"},
                                                        {"compression", "bzip2"},
                                                        {"log-format", "xml"},
                                                        {"log-level", "loud"},
                                                        {"log-file", "~/pgstow.log"},
                                                        {"local-path", "~/backups"}}) {
    EXPECT_THAT(error({{flag, value}}), AllOf(HasSubstr(value), HasSubstr("flag --" + flag)))
        << flag;
  }
  write_env("\nBACKUP_S3_ENABLED=ja\n");
  EXPECT_THAT(error(), HasSubstr("\"ja\" is not allowed (.env:2)"));
  for (const char* line : {"BACKUP_LOG_MAX_SIZE=ten", "BACKUP_LOG_MAX_SIZE=100",
                           "BACKUP_LOG_KEEP=-1", "BACKUP_LOG_KEEP=many"}) {
    write_env(line, "log.env");
    EXPECT_THAT(error({}, "log.env"), HasSubstr("is not allowed (log.env:1)")) << line;
  }

  write_env("POSTGRES_PORT=70000", "port.env");
  EXPECT_THAT(error({}, "port.env"),
              StartsWith("POSTGRES_PORT: \"70000\" is not allowed (port.env:1)"));
}

TEST_F(ConfigTest, AnEnvFileThatIsNamedHasToBeThere) {
  EXPECT_THAT(error({}, "none.env"), StartsWith("none.env: No such file"));
  write_env("BACKUP_JOBS=7", "other.env");
  write_env("BACKUP_JOBS=8");
  EXPECT_EQ(load_config({}, "other.env").jobs, 7U);
}

TEST_F(ConfigTest, ImageVariablesLeadToTheDatabase) {
  write_env("POSTGRES_USER=finance_user\nPOSTGRES_PASSWORD=s3cret\nPOSTGRES_DB=finance_bot\n");
  const Config config = load();
  EXPECT_EQ(config.target.parameters,
            (Flags{{"user", "finance_user"}, {"password", "s3cret"}, {"dbname", "finance_bot"}}));
  EXPECT_THAT(config.secrets, Contains("s3cret"));
  EXPECT_EQ(load({{"url", "postgres://u:p@h/d"}}).target.parameters,
            (Flags{{"user", "u"}, {"password", "p"}, {"host", "h"}, {"dbname", "d"}}));
}

TEST_F(ConfigTest, LibpqVariablesOfTheFileReachTheEnvironment) {
  set("PGUSER", "real");
  set("PGPORT", "");
  write_env(
      "PGHOST=/run/x\nPGUSER=other\nPGPORT=5433\nPGDATA=/var/lib\nPGPASSWORD=s3cret\n"
      "POSTGRES_HOST=ignored\n");
  const Config config = load();
  EXPECT_STREQ(std::getenv("PGHOST"), "/run/x");
  EXPECT_STREQ(std::getenv("PGUSER"), "real");
  EXPECT_STREQ(std::getenv("PGPORT"), "5433");
  EXPECT_EQ(std::getenv("PGDATA"), nullptr);
  EXPECT_THAT(config.target.parameters, IsEmpty());
  EXPECT_THAT(config.secrets, Contains("s3cret"));
}

TEST_F(ConfigTest, AWrongUrlIsNamedWithoutItsPassword) {
  set("DATABASE_URL", "postgres://u:hun@ter2@h/d");
  EXPECT_THAT(error(), AllOf(StartsWith("environment: database URL"), HasSubstr("%40"),
                             Not(HasSubstr("hun@")), Not(HasSubstr("ter2"))));
}

TEST_F(ConfigTest, UnknownNamesAreWarnedOf) {
  set("BACKUP_LOCAL_PTH", "x");
  write_env("BACKUP_JOBBS=1\n");
  EXPECT_THAT(load().warnings,
              ::testing::UnorderedElementsAre(
                  "environment: BACKUP_LOCAL_PTH is not known: did you mean BACKUP_LOCAL_PATH?",
                  ".env:1: BACKUP_JOBBS is not known: did you mean BACKUP_JOBS?"));
}

TEST_F(ConfigTest, DescribeShowsOriginsAndNoSecret) {
  write_env("POSTGRES_PASSWORD=hunter1\nAWS_SECRET_ACCESS_KEY=hunter2\nBACKUP_JOBS=2\n");
  const Config config = load({{"url", "postgres://u:hunter3@h/d"}});
  const std::string text = describe_settings(config, false);
  EXPECT_THAT(text, Not(HasSubstr("hunter")));
  EXPECT_THAT(text,
              ::testing::ContainsRegex("DATABASE_URL +postgres://u:\\*{8}@h/d +flag --url\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("POSTGRES_PASSWORD +\\*{8} +.env:1\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("BACKUP_LOCAL_PATH +./backups +default\n"));

  const std::string json_text = describe_settings(config, true);
  EXPECT_THAT(json_text, Not(HasSubstr("hunter")));
  const boost::json::object o = parse_json_object(json_text, "config");
  EXPECT_EQ(get_string(o, "schema", "config"), "pgstow.config/1");
  EXPECT_EQ(get_array(o, "settings", "config").size(), settings_table().size());
}

TEST_F(ConfigTest, DescribeShowsTheConnection) {
  write_env(
      "POSTGRES_HOST=db.invalid\nPGPORT=5433\nPOSTGRES_DB=unused\nPOSTGRES_PASSWORD=hunter\n");
  set("PGDATABASE", "shop");
  const std::string text = describe_settings(load({{"url", "postgres://app@"}}), false);
  EXPECT_THAT(text, ::testing::ContainsRegex("host +db.invalid +POSTGRES_HOST .env:1\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("port +5433 +PGPORT .env:2\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("user +app +DATABASE_URL flag --url\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("database +shop +PGDATABASE environment\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("password +\\*{8} +POSTGRES_PASSWORD .env:4\n"));
  EXPECT_THAT(text, Not(HasSubstr("hunter")));
}

TEST_F(ConfigTest, APasswordInAFlagIsWarnedOf) {
  EXPECT_THAT(load({{"url", "postgres://u:hunter@h/d"}}).warnings,
              Contains(StartsWith("flag --url: every user of this host can read")));
  EXPECT_THAT(load({{"url", "postgres://u@h/d"}}).warnings, IsEmpty());
  set("DATABASE_URL", "postgres://u:hunter@h/d");
  EXPECT_THAT(load().warnings, IsEmpty());
}

TEST_F(ConfigTest, FlagsAndNamesAreUnique) {
  std::set<std::string_view> seen;
  for (const Setting& setting : settings_table()) {
    EXPECT_TRUE(seen.insert(setting.name).second) << setting.name;
    EXPECT_TRUE(setting.flag.empty() || seen.insert(setting.flag).second) << setting.flag;
    EXPECT_FALSE(setting.help.empty());
  }
}

TEST_F(ConfigTest, AContainerWaitsForItsOwnVariables) {
  set("BACKUP_CONTAINER", "bot/db");
  set("POSTGRES_USER", "finance_user");
  set("PGHOSTADDR", "10.0.0.5");
  const Config config = load();
  EXPECT_EQ(config.place.container, "bot/db");
  EXPECT_EQ(config.place.image.user, "finance_user");
  EXPECT_FALSE(config.place.server.contains("user"));
  EXPECT_EQ(std::getenv("PGHOSTADDR"), nullptr) << "it would lead every session there";
  const std::string shown = describe_settings(config, false);
  EXPECT_THAT(shown, AllOf(HasSubstr("bot/db"), HasSubstr("finance_user"),
                           HasSubstr("as the container says"), Not(HasSubstr("10.0.0.5"))));
}

TEST_F(ConfigTest, ACommandIsSplitIntoItsWords) {
  set("BACKUP_EXEC", "ssh -o 'ProxyCommand none' db.example.org");
  const Config config = load();
  EXPECT_EQ(config.place.exec,
            (std::vector<std::string>{"ssh", "-o", "ProxyCommand none", "db.example.org"}));
  EXPECT_THAT(describe_settings(config, false), HasSubstr("exec "));
}

TEST_F(ConfigTest, PlacesThatCantWorkAreRefused) {
  set("BACKUP_EXEC", "docker exec db");
  EXPECT_THAT(error(), HasSubstr("BACKUP_EXEC (environment): docker exec without -i"));
  set("BACKUP_EXEC", "ssh 'host");
  EXPECT_THAT(error(), HasSubstr("BACKUP_EXEC (environment): a quote is not closed"));
  set("BACKUP_EXEC", "ssh host");
  set("BACKUP_CONTAINER", "db");
  EXPECT_THAT(error(), HasSubstr("both BACKUP_CONTAINER (environment) and BACKUP_EXEC"));
}

}  // namespace
}  // namespace pgstow
