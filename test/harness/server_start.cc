#include "harness/server_start.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace pgstow::test {
namespace {

constexpr std::chrono::seconds kPatience{100};
constexpr std::chrono::milliseconds kPoll{20};

bool answers(const std::string& url) {
  return run({.argv = {"curl", "-sk", "-o", "/dev/null", "--max-time", "10", url}}).ok();
}

}  // namespace

void wait_for_answer(const std::string& url, const Running& process) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!answers(url)) {
    if (process.ended() || std::chrono::steady_clock::now() > deadline) {
      throw Error(fmt::format("{}: no answer:\n{}{}", url, process.out(), process.err()));
    }
    std::this_thread::sleep_for(kPoll);
  }
}

std::string log_ends(const std::filesystem::path& folder) {
  std::error_code none;
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "log", none)) {
    all += fmt::format("{}:\n{}", entry.path().filename().string(),
                       run_ok({.argv = {"tail", "-n", "5", entry.path()}}));
  }
  return all;
}

bool says_port_is_taken(std::string_view complaint) {
  return complaint.find("in use") != std::string_view::npos ||
         complaint.find("Could not bind") != std::string_view::npos;
}

}  // namespace pgstow::test
