// What starting servers for tests has in common.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "harness/program.h"

namespace pgstow::test {

// Waits until there is an HTTP reply at the url, whatever it says. Throws Error with what the
// process said when it ends before, or when a hundred seconds have passed.
void wait_for_answer(const std::string& url, const Running& process);

// Polls, a minute at most, until done() says so; then throws Error with what problem() says.
template <typename Done, typename Problem>
void poll_until(Done done, Problem problem) {
  constexpr std::chrono::seconds kPatience{60};
  constexpr std::chrono::milliseconds kPoll{10};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) throw Error(problem());
    std::this_thread::sleep_for(kPoll);
  }
}

// The last lines of each file in folder/log, for the error of a start that failed.
std::string log_ends(const std::filesystem::path& folder);

// Whether a server's complaint is that somebody else has its port.
bool says_port_is_taken(std::string_view complaint);

// Between our look for free ports and the start somebody else may take one of them.
template <typename Server, typename... Arguments>
std::unique_ptr<Server> start_with_patience(const Arguments&... arguments) {
  constexpr int kAttempts = 4;
  for (int attempt = 1;; ++attempt) {
    try {
      return std::make_unique<Server>(arguments...);
    } catch (const Error& e) {
      if (!says_port_is_taken(e.what()) || attempt == kAttempts) throw;
    }
  }
}

}  // namespace pgstow::test
