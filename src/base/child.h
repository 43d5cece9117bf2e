// Child processes: started without a shell, their pipes streamed, their end always awaited.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace pgstow {

struct Command {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH
  std::vector<std::string> env;   // "NAME=value", the whole environment; see child_environment()
  bool pipe_in = false;           // otherwise standard input is `input`
  int input = -1;                 // a descriptor, lent for the start; -1: /dev/null
  bool pipe_out = false;          // otherwise standard output is /dev/null
  std::string preface = {};       // what its input begins with; 4 KiB at most
  bool holds_in = false;          // wait() leaves its input open until it has ended
};

// Our own environment without the variables that children have no business with (our settings,
// cloud keys, every *_PASSWORD and *_FILE secret), and with `extra` ("NAME=value") set on top.
std::vector<std::string> child_environment(const std::vector<std::string>& extra);

// The same for a command that finds its own way elsewhere, and may need secrets for that (kubectl
// has `aws eks get-token` run, which reads AWS_...): only our settings are missing.
std::vector<std::string> command_environment();

// Starts it in a session of its own, its input from /dev/null, its output and its errors to the
// file (made, 0600, appended to); returns its process, which nobody waits for. Its pipes are not
// used.
pid_t start_detached(const Command& command, const std::filesystem::path& output);

// The program in this process's place. Returns only by throwing Error.
[[noreturn]] void become(const Command& command);

// A running child. Single-threaded; its standard error is collected by a thread of its own.
// Destroyed before wait(), the child is ended: SIGTERM, and SIGKILL two seconds later.
class Child {
 public:
  // Throws Error if the program can't be started.
  static Child start(const Command& command);
  // The same with `socket` as its input and output, whatever the command says of them.
  static Child start_on(const Command& command, const Fd& socket);

  Child(Child&&) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  // Reads its output; 0 at end of file (which says nothing about its success: wait() does).
  std::size_t read(std::span<char> into, const Wait& wait);
  // Whether read() would return at once; waits so long for that.
  bool readable(std::chrono::milliseconds patience) const;
  // Writes to its input; throws ProcessFailed with the child's own words if it ended early.
  void write(std::string_view bytes, const Wait& wait);
  void close_input();

  // Waits for its end and returns what it wrote to standard error (the last 64 KiB). Throws
  // ProcessFailed with that text when it ended by a signal or with another status than 0. May be
  // called again, with the same answer. Processes that it left behind are not waited for.
  std::string wait(const std::stop_token& stop);
  // Whether it has ended, so that wait() need not wait.
  bool has_ended();

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }

 private:
  struct Messages;
  Child(std::string name, pid_t pid, Fd in, Fd out, Fd err);
  [[noreturn]] void fail(int status);

  std::string name_;
  pid_t pid_ = -1;
  std::optional<int> status_;  // as waitpid() gave it, once it has ended
  bool holds_in_ = false;
  Fd in_;
  Fd out_;
  std::unique_ptr<Messages> messages_;  // keeps the collecting thread
};

// Runs a command to its end and returns its standard output (at most 16 MiB). Throws as wait().
std::string run_command(Command command, const Wait& wait);

}  // namespace pgstow
