// Programs run by tests: in a clean environment, with a time limit, their output kept.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.h"

namespace pgstow::test {

// A private folder (0700) under the system's temporary folder, removed with all it holds.
class TempDir {
 public:
  explicit TempDir(const std::string& prefix = "pgstow-test-",
                   const std::filesystem::path& base = std::filesystem::temp_directory_path());
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);

struct Program {
  std::vector<std::string> argv;      // argv[0] is looked up in PATH
  std::vector<std::string> env = {};  // "NAME=value", beside our PATH, HOME, LANG and TZ
  std::string input = {};             // its whole standard input
  std::filesystem::path folder = {};  // working folder; empty: ours
  std::chrono::seconds timeout{120};  // a program that takes longer hangs, which is a failure
};

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal
  int signal = 0;      // 0: ended by itself
  std::string out;
  std::string err;

  bool ok() const { return exit_code == 0; }
  // "exit 3\nstdout: ...\nstderr: ...", for failure messages.
  std::string describe() const;
};

// Runs a program to its end. Throws Error when it can't be started or is not done in time.
Outcome run(const Program& program);

// The same, and throws Error with all it said when it did not exit with 0. Returns its output.
std::string run_ok(const Program& program);

// A program in the background, leader of a process group of its own. Destroyed before wait(), the
// whole group is killed and awaited. Not to be shared between threads.
class Running {
 public:
  explicit Running(const Program& program);
  Running(Running&& other) noexcept;
  Running& operator=(Running&&) = delete;
  ~Running();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool ended() const;
  // What it has written until now.
  std::string out() const;
  std::string err() const;
  // Waits for its end; after program.timeout kills the group and throws Error with what it said.
  Outcome wait();

 private:
  void kill_group() noexcept;

  std::string name_;
  std::chrono::seconds timeout_;
  pid_t pid_ = -1;  // -1 once awaited
  Fd handle_;       // pidfd: readable when the program has ended
  Fd out_;          // files in memory: no pipe to drain, none that a grandchild could hold open
  Fd err_;
};

}  // namespace pgstow::test
