#include "base/log_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "harness/program.h"

namespace pgstow {
namespace {

using test::read_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What was written, as "message" or "message cause=...".
class Lines final : public LogOutput {
 public:
  void write(const LogLine& line, LogFormat) override {
    std::string text(line.message);
    for (const auto& [key, value] : line.facts) {
      if (key == "cause") text += " cause=" + value;
    }
    lines.push_back(text);
  }
  std::vector<std::string> lines;
};

class LogFileTest : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& end = "") const {
    return folder_ / ("service.log" + end);
  }

  // Each write is a line of 50 bytes: "2026-11-22 21:05:28 info    one......\n".
  static void write(LogFile& file, const std::string& word) {
    const std::string message = word + std::string(21 - word.size(), '.');
    file.write({.message = message, .facts = {}}, LogFormat::kText);
  }

  // The words of the lines in a file.
  static std::vector<std::string> words(const std::filesystem::path& file) {
    std::vector<std::string> found;
    const std::string text = read_file(file);
    for (const std::string_view line : split(trim(text), '\n')) {
      const std::string_view message = line.size() < 28 ? line : line.substr(28);
      found.emplace_back(message.substr(0, message.find('.')));
    }
    return found;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      found.push_back(entry.path().filename());
    }
    std::ranges::sort(found);
    return found;
  }

  test::TempDir folder_;
  Lines otherwise_;
};

TEST_F(LogFileTest, IsMadeForItsOwnerOnlyAndAppendedTo) {
  for (const char* word : {"one", "two"}) {
    LogFile file({.path = folder_ / "new" / "service.log"}, otherwise_);
    write(file, word);
  }
  EXPECT_THAT(words(folder_ / "new" / "service.log"), ElementsAre("one", "two"));
  struct stat s{};
  ASSERT_EQ(::stat((folder_ / "new" / "service.log").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat((folder_ / "new").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0700U);
  EXPECT_THAT(otherwise_.lines, IsEmpty());
}

TEST_F(LogFileTest, IsRotatedBeforeItGrowsTooLong) {
  LogFile file({.path = path(), .max_size = 100, .keep = 2}, otherwise_);
  for (const char* word : {"a", "b", "c", "d", "e", "f", "g"}) write(file, word);
  EXPECT_THAT(names(), ElementsAre("service.log", "service.log.1", "service.log.2"));
  EXPECT_THAT(words(path(".2")), ElementsAre("c", "d"));
  EXPECT_THAT(words(path(".1")), ElementsAre("e", "f"));
  EXPECT_THAT(words(path()), ElementsAre("g"));
}

TEST_F(LogFileTest, ALineLongerThanAFileIsNotLost) {
  LogFile file({.path = path(), .max_size = 30, .keep = 1}, otherwise_);
  for (const char* word : {"a", "b"}) write(file, word);
  EXPECT_THAT(words(path(".1")), ElementsAre("a"));
  EXPECT_THAT(words(path()), ElementsAre("b"));
}

TEST_F(LogFileTest, NoneMayBeKept) {
  LogFile file({.path = path(), .max_size = 100, .keep = 0}, otherwise_);
  for (const char* word : {"a", "b", "c"}) write(file, word);
  EXPECT_THAT(names(), ElementsAre("service.log"));
  EXPECT_THAT(words(path()), ElementsAre("c"));
}

TEST_F(LogFileTest, ZeroMeansNoRotation) {
  LogFile file({.path = path(), .max_size = 0}, otherwise_);
  for (int i = 0; i < 100; ++i) write(file, "a");
  EXPECT_THAT(words(path()), SizeIs(100));
}

TEST_F(LogFileTest, AFileThatLogrotateMovedOrRemovedIsMadeAgain) {
  LogFile file({.path = path()}, otherwise_);
  write(file, "a");
  std::filesystem::rename(path(), path(".1"));
  write(file, "b");
  EXPECT_THAT(words(path(".1")), ElementsAre("a"));
  EXPECT_THAT(words(path()), ElementsAre("b"));
  std::filesystem::remove(path());
  write(file, "c");
  EXPECT_THAT(words(path()), ElementsAre("c"));
  std::ofstream(path(), std::ios::trunc).close();  // copytruncate
  write(file, "d");
  EXPECT_THAT(words(path()), ElementsAre("d"));
}

TEST_F(LogFileTest, LinksPipesAndFoldersAreNotWrittenTo) {
  const auto try_it = [this] {
    otherwise_.lines.clear();
    LogFile file({.path = path()}, otherwise_);
    write(file, "a");
    write(file, "b");
    std::filesystem::remove_all(path());
    return otherwise_.lines;
  };
  test::write_file(folder_ / "precious", "");
  std::filesystem::create_symlink(folder_ / "precious", path());
  const auto link = try_it();
  ASSERT_THAT(link, SizeIs(3));  // the reason once, then the lines
  EXPECT_THAT(link[0], HasSubstr("cause=open: Too many levels of symbolic links"));
  EXPECT_EQ(read_file(folder_ / "precious"), "");
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_THAT(try_it()[0], HasSubstr("cause=open"));
  std::filesystem::create_directory(path());
  EXPECT_THAT(try_it()[0], HasSubstr("cause=open: Is a directory"));
  // A pipe with a reader could be opened.
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const Fd reader(::open(path().c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_THAT(try_it()[0], HasSubstr("cause=not a regular file"));
}

// A full disk, by the limit on the length of files.
TEST_F(LogFileTest, RecoversFromAFullDiskAndSaysWhatIsMissing) {
  ASSERT_NE(::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  LogFile file({.path = path()}, otherwise_);
  write(file, "a");
  rlimit full = before;
  full.rlim_cur = 70;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  write(file, "torn");
  write(file, "lost");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  write(file, "b");
  write(file, "c");
  ASSERT_THAT(otherwise_.lines, SizeIs(3));
  EXPECT_THAT(otherwise_.lines[0], HasSubstr("cause=write: File too large"));
  EXPECT_THAT(otherwise_.lines[1], HasSubstr("torn"));
  EXPECT_THAT(otherwise_.lines[2], HasSubstr("lost"));
  const std::vector<std::string> found = words(path());
  ASSERT_THAT(found, SizeIs(5)) << read_file(path());
  EXPECT_EQ(found[0], "a");
  EXPECT_THAT(found[2], HasSubstr("could not be written for a while lines=2"));
  EXPECT_EQ(found[3], "b");
  EXPECT_EQ(found[4], "c");
}

TEST_F(LogFileTest, WhereItCanNotBeRotatedItGrowsAndSaysSoOnce) {
  LogFile file({.path = path(), .max_size = 100, .keep = 1}, otherwise_);
  std::filesystem::create_directories(path(".1") / "in the way");
  for (const char* word : {"a", "b", "c", "d"}) write(file, word);
  EXPECT_THAT(words(path()), ElementsAre("a", "b", "c", "d"));
  ASSERT_THAT(otherwise_.lines, SizeIs(1));
  EXPECT_THAT(otherwise_.lines[0], HasSubstr("can't be rotated"));
  std::filesystem::remove_all(path(".1"));
  write(file, "e");
  EXPECT_THAT(words(path()), ElementsAre("e"));
}

TEST_F(LogFileTest, NoLineIsLostOrTornWhenTwoWriteAndRotate) {
  const SystemClock clock;
  constexpr int kEach = 500;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {  // as two processes: each has its own descriptor
        LogFile file({.path = path(), .max_size = 0}, otherwise_);
        const Log log(clock, LogFormat::kText, Level::kInfo, file);
        for (int i = 0; i < kEach; ++i) log.info(std::string(100, 'x'));
      });
    }
  }
  EXPECT_THAT(words(path()), SizeIs(2 * kEach));
  LogFile file({.path = path("2"), .max_size = 5000, .keep = 100}, otherwise_);
  const Log shared(clock, LogFormat::kText, Level::kInfo, file);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) shared.info(std::string(100, 'x'));
      });
    }
  }
  std::size_t lines = 0;
  for (const std::string& name : names()) {
    if (name.starts_with("service.log2")) lines += words(folder_ / name).size();
  }
  EXPECT_EQ(lines, 2 * kEach);
}

}  // namespace
}  // namespace pgstow
