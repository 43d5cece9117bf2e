#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "base/error.h"

namespace pgstow {
namespace {

using namespace std::chrono_literals;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

class FdTest : public ::testing::Test {
 protected:
  FdTest() { ::signal(SIGPIPE, SIG_IGN); }
};

TEST_F(FdTest, ClosesWhatItOwnsOnce) {
  Pipe pipe = make_pipe();
  const int number = pipe.read.get();
  Fd moved(std::move(pipe.read));
  EXPECT_FALSE(pipe.read);  // NOLINT(bugprone-use-after-move): that is the question
  EXPECT_TRUE(is_open(number));
  Fd other = std::move(pipe.write);
  const int replaced = other.get();
  other = std::move(moved);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_EQ(other.get(), number);
  other.reset();
  EXPECT_FALSE(is_open(number));
}

TEST_F(FdTest, PipesAreNotInherited) {
  const Pipe pipe = make_pipe();
  EXPECT_EQ(::fcntl(pipe.read.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pipe.write.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(FdTest, ReadsWhatIsThereAndThenTheEnd) {
  Pipe pipe = make_pipe();
  write_all(pipe.write, "hello", {}, "pipe");
  std::array<char, 16> buffer;
  EXPECT_EQ(read_some(pipe.read, buffer, {}, "pipe"), 5U);
  EXPECT_EQ(std::string(buffer.data(), 5), "hello");
  pipe.write.reset();
  EXPECT_EQ(read_some(pipe.read, buffer, {}, "pipe"), 0U);
}

TEST_F(FdTest, AReadThatStallsIsTransient) {
  const Pipe pipe = make_pipe();
  std::array<char, 1> buffer;
  EXPECT_THROW(read_some(pipe.read, buffer, {.stall = 50ms}, "pipe"), Transient);
}

TEST_F(FdTest, AStopEndsAWaitingRead) {
  const Pipe pipe = make_pipe();
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  std::array<char, 1> buffer;
  EXPECT_THROW(read_some(pipe.read, buffer, {.stop = stop.get_token()}, "pipe"), Cancelled);
}

TEST_F(FdTest, AFullPipeStallsStopsOrGoesOn) {
  Pipe pipe = make_pipe(4096);
  ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  const std::string much(1 << 20, 'x');
  EXPECT_THROW(write_all(pipe.write, much, {.stall = 50ms}, "pipe"), Transient);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(write_all(pipe.write, much, {.stop = stop.get_token()}, "pipe"), Cancelled);
  std::size_t got = 0;
  std::jthread reader([&] {
    std::array<char, 65536> buffer;
    while (const std::size_t n = read_some(pipe.read, buffer, {}, "pipe")) got += n;
  });
  write_all(pipe.write, much, {}, "pipe");
  pipe.write.reset();
  reader.join();
  EXPECT_GE(got, much.size());  // and what the two that failed left in the pipe
}

TEST_F(FdTest, AClosedReaderIsAProcessThatFailed) {
  Pipe pipe = make_pipe();
  pipe.read.reset();
  EXPECT_THROW(write_all(pipe.write, "x", {}, "pipe"), ProcessFailed);
}

TEST_F(FdTest, WhatCannotBeReadIsAnErrorWithItsName) {
  const Fd folder(::open("/", O_RDONLY | O_CLOEXEC));
  std::array<char, 1> buffer;
  try {
    read_some(folder, buffer, {}, "the root");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "the root: read: Is a directory");
  }
}

}  // namespace
}  // namespace pgstow
