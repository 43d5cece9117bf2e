#include "store/process_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/error.h"
#include "harness/program.h"
#include "store/testing_keys.h"

namespace pgstow::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(CommandLine, IsSplitAsTheAwsCommandLineDoes) {
  EXPECT_THAT(split_command_line(""), IsEmpty());
  EXPECT_THAT(split_command_line(" \t"), IsEmpty());
  EXPECT_THAT(split_command_line(" a  b\tc\n"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_command_line("a 'b c' \"d e\""), ElementsAre("a", "b c", "d e"));
  EXPECT_THAT(split_command_line("a'b'\"c\"d ''"), ElementsAre("abcd", ""));
  EXPECT_THAT(split_command_line(R"('a\b' "a\b" "\"\\" a\b \ \')"),
              ElementsAre("a\\b", "a\\b", "\"\\", "ab", " '"));
  EXPECT_THAT(split_command_line("a; $(b) `c` | d > e & # f ~ *"),
              ElementsAre("a;", "$(b)", "`c`", "|", "d", ">", "e", "&", "#", "f", "~", "*"));
}

TEST(CommandLine, ThatIsNotWholeIsAnErrorWithoutItsText) {
  for (const char* line : {"canary 'x", "canary \"x", "canary \"x\\\"", "canary \\"}) {
    EXPECT_THROW(split_command_line(line), ConfigError) << line;
    EXPECT_THAT(thrown_text([&] { split_command_line(line); }), Not(HasSubstr("canary")));
  }
}

class ProcessKeysTest : public ::testing::Test, protected KeyTest {
 protected:
  // Runs a shell script of the test's.
  AwsKeys fetch(const std::string& script, std::chrono::milliseconds stall = kLong) {
    write_file(temp_ / "script", script);
    return process_keys("/bin/sh '" + (temp_ / "script").native() + "'", tools(), "the process",
                        stall);
  }
  std::string error_of(const std::string& script, std::chrono::milliseconds stall = kLong) {
    return thrown_text([&] { fetch(script, stall); });
  }
  static std::string prints(const std::string& text) { return "cat <<'END'\n" + text + "\nEND\n"; }

  static constexpr std::chrono::milliseconds kLong = std::chrono::minutes(1);
  const TempDir temp_;
};

TEST_F(ProcessKeysTest, AreWhatTheProgramPrints) {
  const AwsKeys keys = fetch("echo chatter >&2\n" +
                             prints(json_keys("ASIA1", "2026-11-22T22:05:28Z", "SessionToken")));
  EXPECT_EQ(keys.access_key_id, "ASIA1");
  EXPECT_EQ(keys.secret_access_key, "canary-secret");
  EXPECT_EQ(keys.session_token, "canary-token");
  EXPECT_EQ(keys.expires, test.clock.now() + std::chrono::hours(1));
}

TEST_F(ProcessKeysTest, NeedNoTokenAndNoEnd) {
  const AwsKeys keys = fetch(prints(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"S"})"));
  EXPECT_EQ(keys.session_token, "");
  EXPECT_FALSE(keys.expires);
}

TEST_F(ProcessKeysTest, TheProgramKnowsWhatAwsToolsKnowAndNoMore) {
  ::setenv("AWS_VAULT_BACKEND", "file", 1);
  ::setenv("BACKUP_CANARY", "canary", 1);
  variables = {{"AWS_CONFIG_FILE", "/from/dotenv"}, {"AWS_VAULT_BACKEND", "file"}};
  const AwsKeys keys = fetch(
      R"(printf '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}' \
         "$AWS_CONFIG_FILE" "$AWS_VAULT_BACKEND$BACKUP_CANARY")");
  ::unsetenv("AWS_VAULT_BACKEND");
  ::unsetenv("BACKUP_CANARY");
  EXPECT_EQ(keys.access_key_id, "/from/dotenv");
  EXPECT_EQ(keys.secret_access_key, "file");
}

TEST_F(ProcessKeysTest, AFailureSaysWhatTheProgramSaidAndNotWhatItPrinted) {
  EXPECT_THAT(
      error_of("echo canary\necho 'log in first' >&2\nexit 3\n"),
      AllOf(HasSubstr("the process: sh: exit status 3: log in first"), Not(HasSubstr("canary"))));
  EXPECT_THROW(fetch("exit 1"), ProcessFailed);
}

TEST_F(ProcessKeysTest, AProgramThatIsNotThereIsAWrongConfiguration) {
  for (const char* line : {"/no/such/program x", "'' x", "", "/tmp"}) {
    EXPECT_THROW(process_keys(line, tools(), "the process"), ConfigError) << line;
  }
  EXPECT_THAT(thrown_text([&] { process_keys("/no/such/program", tools(), "the process"); }),
              HasSubstr("the process: starting /no/such/program: "));
}

TEST_F(ProcessKeysTest, WhatItPrintsIsNotTrusted) {
  for (
      const char* text :
      {"canary", "", "[]", R"({"AccessKeyId":"canary","SecretAccessKey":"canary"})",
       R"({"Version":2,"AccessKeyId":"canary","SecretAccessKey":"canary"})",
       R"({"Version":"canary","AccessKeyId":"canary","SecretAccessKey":"canary"})",
       R"({"Version":1,"SecretAccessKey":"canary"})",
       R"({"Version":1,"AccessKeyId":"canary","SecretAccessKey":"canary","Expiration":"canary"})"}) {
    EXPECT_THAT(error_of(prints(text)), AllOf(HasSubstr("the process: "), Not(HasSubstr("canary"))))
        << text;
    EXPECT_THROW(fetch(prints(text)), Error);
  }
}

TEST_F(ProcessKeysTest, EndlessOutputIsCut) {
  EXPECT_THAT(error_of("exec yes canary"),
              AllOf(HasSubstr("without end"), Not(HasSubstr("canary"))));
}

TEST_F(ProcessKeysTest, AProgramThatHangsIsEnded) {
  EXPECT_THROW(fetch("echo $$ > " + (temp_ / "pid").native() + "\nexec sleep 1000",
                     std::chrono::milliseconds(300)),
               Transient);
  const auto pid = static_cast<pid_t>(std::stoi(read_file(temp_ / "pid")));
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ProcessKeysTest, AStopEndsIt) {
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    test.stop.request_stop();
  });
  EXPECT_THROW(fetch("exec sleep 1000"), Cancelled);
}

}  // namespace
}  // namespace pgstow::test
