#include "base/log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "harness/program.h"

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

// systemd connects a standard stream to its journal and says which one it is.
TEST(JournalTest, LinesCarryThePriorityInsteadOfTimeAndLevel) {
  const FixedClock clock;
  const test::TempDir folder;
  const auto written = [&](LogFormat format, bool is_named) {
    std::FILE* out = std::fopen((folder / "stream").c_str(), "w");
    struct stat s{};
    EXPECT_EQ(::fstat(::fileno(out), &s), 0);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", s.st_dev, s.st_ino + !is_named).c_str(), 1);
    const Log log(clock, format, Level::kDebug, out);
    log.debug("one\ntwo", {{"a", "b c"}});
    log.info("one");
    log.warning("one");
    log.error("one");
    ::unsetenv("JOURNAL_STREAM");
    static_cast<void>(std::fclose(out));
    return test::read_file(folder / "stream");
  };
  EXPECT_EQ(written(LogFormat::kText, true), "<7>one\\ntwo a=\"b c\"\n<6>one\n<4>one\n<3>one\n");
  EXPECT_THAT(written(LogFormat::kJson, true), HasSubstr("\n<6>{\"time\":\""));
  EXPECT_THAT(written(LogFormat::kLogfmt, true), HasSubstr("\n<3>time="));
  // Redirected since: another device or inode.
  EXPECT_THAT(written(LogFormat::kText, false), HasSubstr(" info    one\n"));
}

class TailTest : public LogTest {
 protected:
  Log service_ = log(LogFormat::kJson, Level::kWarning);
  std::string at_ = local_time(clock_.now());
};

TEST_F(TailTest, HasTheLinesOfOneJobOnly) {
  LogTail first;
  LogTail second;
  const Log one(service_, first);
  const Log other(service_, second);
  one.info("begun", {{"database", "shop"}});
  other.warning("elsewhere");
  service_.error("of the service");
  one.debug("too small to tell");
  one.error("failed");
  EXPECT_EQ(first.text(), at_ + " info    begun database=shop\n" + at_ + " error   failed\n");
  EXPECT_EQ(second.text(), at_ + " warning elsewhere\n");
  // The service's log has them all, as it is configured.
  EXPECT_THAT(sheet_.text(), Not(HasSubstr("begun")));
  EXPECT_THAT(sheet_.text(), HasSubstr("\"msg\":\"elsewhere\""));
  EXPECT_THAT(sheet_.text(), HasSubstr("\"msg\":\"failed\""));
}

TEST_F(TailTest, IsRedactedByBothLogs) {
  service_.redact("hunter2");
  LogTail tail;
  Log job(service_, tail);
  job.redact("own");
  job.error("hunter2 own", {{"url", "u:hunter2@h"}});
  EXPECT_EQ(tail.text(), at_ + " error   *** *** url=u:***@h\n");
  EXPECT_THAT(sheet_.text(), HasSubstr("\"msg\":\"*** ***\""));
}

TEST_F(TailTest, KeepsTheLastLinesAndNoMoreBytes) {
  LogTail lines(2, 1000);
  const Log few(service_, lines);
  for (const char* word : {"a", "b", "c"}) few.info(word);
  EXPECT_EQ(lines.text(), at_ + " info    b\n" + at_ + " info    c\n");
  LogTail bytes(100, 70);
  const Log small(service_, bytes);
  for (const char* word : {"a", "b", "c"}) small.info(word);
  EXPECT_EQ(bytes.text(), at_ + " info    b\n" + at_ + " info    c\n");
}

TEST_F(TailTest, CutsALineThatIsTooLongBetweenCharacters) {
  EXPECT_TRUE(rc::check("valid and short", [this](std::uint8_t most) {
    LogTail tail(100, most);
    Log(service_, tail).info("\xE2\x82\xAC\xE2\x82\xAC\xC3\xA9" + std::string(300, 'x'));
    const std::string text = tail.text();
    RC_ASSERT(text.size() <= most);
    RC_ASSERT(most < 4 || text.ends_with("...\n"));
    RC_ASSERT(printable_lines(text) == text);
  }));
}

TEST_F(TailTest, MayBeReadWhileTheJobLogs) {
  LogTail tail(10);
  {
    const std::jthread job([&] {
      const Log log(service_, tail);
      for (int i = 0; i < 1000; ++i) log.info("x");
    });
    for (int i = 0; i < 100; ++i) EXPECT_LE(split(tail.text(), '\n').size(), 11U);
  }
  EXPECT_EQ(split(tail.text(), '\n').size(), 11U);
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
