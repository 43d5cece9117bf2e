// How this program was started, so that it can start itself again.
#pragma once

#include <string>
#include <vector>

namespace pgstow::cli {

struct Startup {
  std::string program;                   // the file, as it was when we began
  std::vector<std::string> environment;  // as it was then: nothing out of .env is in it
  std::vector<std::string> flags;        // those that any command takes: "--env-file=x", "-v"
};

// To be called before the configuration is read. Without the flags.
Startup startup_of_process();

// The same program in this process's place, with these words after the flags. Returns only by
// throwing Error.
[[noreturn]] void become(const Startup& startup, const std::vector<std::string>& words);

// Runs it with these words to its end; throws ProcessFailed with what it wrote to standard error.
void run_self(const Startup& startup, const std::vector<std::string>& words);

// Starts it in a session of its own, its input from /dev/null, its output to the file (made, 0600,
// appended to); returns its process. `extra` ("NAME=value") is set in its environment; what our own
// supervisor asks of us (WATCHDOG_USEC) is not in it.
int start_detached(const Startup& startup, const std::vector<std::string>& words,
                   const std::string& output, const std::vector<std::string>& extra);

}  // namespace pgstow::cli
