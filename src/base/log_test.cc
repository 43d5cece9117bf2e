#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace pgstow {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class FixedClock final : public Clock {
 public:
  Time now() const override { return Time(std::chrono::seconds(1795381528)); }
  void sleep(std::chrono::milliseconds, const std::stop_token&) const override {}
};

// What is logged, in memory.
class Sheet {
 public:
  Sheet() : file_(::open_memstream(&data_, &size_)) {}
  Sheet(const Sheet&) = delete;
  ~Sheet() {
    static_cast<void>(std::fclose(file_));
    std::free(data_);  // NOLINT(cppcoreguidelines-no-malloc): open_memstream's rule
  }

  std::FILE* file() const { return file_; }
  std::string text() const {
    static_cast<void>(std::fflush(file_));
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

class LogTest : public ::testing::Test {
 protected:
  Log log(LogFormat format, Level least = Level::kInfo) {
    return {clock_, format, least, sheet_.file()};
  }

  FixedClock clock_;
  Sheet sheet_;
};

TEST_F(LogTest, TextIsForPeople) {
  log(LogFormat::kText).info("backup made", {{"file", "a b"}, {"rows", "12"}});
  EXPECT_EQ(sheet_.text(),
            local_time(clock_.now()) + " info    backup made file=\"a b\" rows=12\n");
}

TEST_F(LogTest, LogfmtQuotesWhatNeedsIt) {
  log(LogFormat::kLogfmt)
      .error("no room", {{"a", "x"}, {"b", ""}, {"c", "q\"\\"}, {"d", "k=v"}, {"e", "1\n2"}});
  EXPECT_THAT(
      sheet_.text(),
      EndsWith(" level=error msg=\"no room\" a=x b=\"\" c=\"q\\\"\\\\\" d=\"k=v\" e=\"1\\n2\"\n"));
}

TEST_F(LogTest, LevelsBelowTheLeastAreLeftOut) {
  const Log quiet = log(LogFormat::kText, Level::kWarning);
  quiet.debug("one");
  quiet.info("two");
  EXPECT_EQ(sheet_.text(), "");
  quiet.warning("three");
  EXPECT_THAT(sheet_.text(), HasSubstr("warning three"));
  EXPECT_TRUE(quiet.quiet());
}

TEST_F(LogTest, NothingBreaksALine) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kLogfmt, LogFormat::kJson}) {
    log(format).info("a\nb\r\x1B[2J", {{"k", "c\nd"}});
  }
  EXPECT_EQ(split(sheet_.text(), '\n').size(), 4U);
  EXPECT_THAT(sheet_.text(), Not(HasSubstr("\x1B")));
}

TEST_F(LogTest, SecretsAreNeverPrintedHoweverTheyAreEscaped) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kLogfmt, LogFormat::kJson}) {
    Log l = log(format);
    l.redact("se\"cr\\et\n1");
    l.redact("hunter");
    l.redact("hunter2");
    l.redact("");
    l.redact("x");  // would hide every x
    l.info("was se\"cr\\et\n1 hunter2", {{"url", "postgres://u:hunter2@xx"}});
  }
  EXPECT_THAT(sheet_.text(), Not(HasSubstr("cr")));
  EXPECT_THAT(sheet_.text(), Not(HasSubstr("hunter")));
  EXPECT_THAT(sheet_.text(), HasSubstr("u:***@xx"));
}

// Another JSON reader gets back what was logged.
TEST_F(LogTest, JsonIsJson) {
  EXPECT_TRUE(rc::check("round trip", [this](const std::string& message, const std::string& value) {
    const Sheet sheet;
    Log(clock_, LogFormat::kJson, Level::kInfo, sheet.file()).info(message, {{"key", value}});
    const boost::json::object o = parse_json_object(sheet.text(), "line");
    RC_ASSERT(get_string(o, "level", "line") == "info");
    if (printable(message).find("\\x") == std::string::npos) {
      RC_ASSERT(get_string(o, "msg", "line") == message);
    }
    RC_ASSERT(o.contains("key"));
  }));
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  const Log shared = log(LogFormat::kText);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) shared.info(std::string(100, 'x'));
    });
  }
  threads.clear();
  const std::string text = sheet_.text();
  for (const std::string_view line : split(trim(text), '\n')) {
    EXPECT_EQ(line.size(), local_time(clock_.now()).size() + 109) << line;
  }
}

TEST(JsonString, KeepsEveryValidCharacter) {
  EXPECT_EQ(json_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("\xC2\x9B"), R"("\u009b")");
  EXPECT_EQ(json_string("\n\t\r\x01\x7F"), R"("\n\t\u000d\u0001\u007f")");
  EXPECT_EQ(json_string("\xC3\xA9\x01\xFF\xE2\x82\xAC"),
            "\"\xC3\xA9\\u0001\xEF\xBF\xBD\xE2\x82\xAC\"");
}

}  // namespace
}  // namespace pgstow
