#include "cli/startup.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/child.h"

namespace pgstow::cli {
namespace {

std::vector<std::string> words_of(const Startup& startup, const std::vector<std::string>& words) {
  std::vector<std::string> argv{startup.program};
  argv.insert(argv.end(), startup.flags.begin(), startup.flags.end());
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

std::string_view name_in(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// getenv() would find the first of two of a name. Our own supervisor does not watch the child.
std::vector<std::string> environment_with(const Startup& startup,
                                          const std::vector<std::string>& extra) {
  std::vector<std::string> environment = startup.environment;
  std::erase_if(environment, [&](const std::string& entry) {
    const std::string_view name = name_in(entry);
    return name == "WATCHDOG_USEC" || name == "WATCHDOG_PID" ||
           std::ranges::any_of(extra, [&](const auto& other) { return name == name_in(other); });
  });
  environment.insert(environment.end(), extra.begin(), extra.end());
  return environment;
}

}  // namespace

Startup startup_of_process() {
  Startup startup;
  std::error_code ignored;  // without /proc there is still the name to look for
  startup.program = std::filesystem::read_symlink("/proc/self/exe", ignored).native();
  if (startup.program.empty()) startup.program = "pgstow";
  for (char** entry = environ; *entry != nullptr; ++entry) startup.environment.emplace_back(*entry);
  return startup;
}

void become(const Startup& startup, const std::vector<std::string>& words) {
  pgstow::become({.argv = words_of(startup, words), .env = startup.environment});
}

void run_self(const Startup& startup, const std::vector<std::string>& words) {
  Command command{.argv = words_of(startup, words), .env = startup.environment};
  std::erase_if(command.env, [](const auto& e) { return e.starts_with("NOTIFY_SOCKET="); });
  Child::start(command).wait({});
}

int start_detached(const Startup& startup, const std::vector<std::string>& words,
                   const std::string& output, const std::vector<std::string>& extra) {
  return pgstow::start_detached(
      {.argv = words_of(startup, words), .env = environment_with(startup, extra)}, output);
}

}  // namespace pgstow::cli
