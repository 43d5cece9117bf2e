#include "base/log_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "harness/program.h"

namespace pgstow {
namespace {

class LogReaderTest : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& end = "") const {
    return folder_ / ("service.log" + end);
  }
  void append(const std::string& text) const { std::ofstream(path(), std::ios::app) << text; }

  test::TempDir folder_;
};

TEST_F(LogReaderTest, MissingIsNotFound) { EXPECT_THROW(LogReader{path()}, NotFound); }

// tail(1) is the peer.
TEST_F(LogReaderTest, LastLinesAreTails) {
  std::string text;
  // Together longer than a block of the reader, and lines that are longer than one.
  for (const std::size_t length : {10, 0, 70000, 65535, 65536, 0, 0, 300, 1}) {
    text += std::string(length, 'x') + "\n";
    for (const char* end : {"", "unfinished"}) {
      test::write_file(path(), text + end);
      for (const std::size_t count : {0, 1, 2, 5, 100}) {
        EXPECT_EQ(LogReader(path()).last(count),
                  test::run_ok({.argv = {"tail", "-n", std::to_string(count), path()}}))
            << count << " of " << text.size();
      }
    }
  }
}

TEST_F(LogReaderTest, OlderLinesComeFromRotatedFiles) {
  test::write_file(path(".2"), "a\nb\n");
  test::write_file(path(".1"), "c\nd\n");
  test::write_file(path(), "e\n");
  EXPECT_EQ(LogReader(path()).last(1), "e\n");
  EXPECT_EQ(LogReader(path()).last(4), "b\nc\nd\ne\n");
  EXPECT_EQ(LogReader(path()).last(100), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(LogReader(path()).last(0), "");
}

TEST_F(LogReaderTest, FollowsWhatIsWrittenInWholeLines) {
  append("a\nb\n");
  LogReader reader(path());
  EXPECT_EQ(reader.last(1), "b\n");
  EXPECT_EQ(reader.more(), "");
  append("c\nd");
  EXPECT_EQ(reader.more(), "c\n");
  EXPECT_EQ(reader.more(), "");
  append("d\n");
  EXPECT_EQ(reader.more(), "dd\n");
}

TEST_F(LogReaderTest, FollowsARotationWithoutLosingALine) {
  append("a\n");
  LogReader reader(path());
  EXPECT_EQ(reader.last(10), "a\n");
  append("b\n");
  std::filesystem::rename(path(), path(".1"));
  EXPECT_EQ(reader.more(), "b\n");  // nothing is in its place yet
  append("c\n");
  EXPECT_EQ(reader.more(), "c\n");
  append("d\n");
  std::filesystem::rename(path(), path(".1"));
  append("e\n");
  EXPECT_EQ(reader.more(), "d\ne\n");
}

TEST_F(LogReaderTest, AFileThatWasCutShortIsReadAnew) {
  append("aaaa\nbbbb\n");
  LogReader reader(path());
  EXPECT_EQ(reader.last(10), "aaaa\nbbbb\n");
  std::filesystem::resize_file(path(), 0);
  append("c\n");
  EXPECT_EQ(reader.more(), "c\n");
}

}  // namespace
}  // namespace pgstow
