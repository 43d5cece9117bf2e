// A folder for a server's data that goes even when its test is killed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.h"
#include "harness/program.h"

namespace pgstow::test {

// A private folder (0700) that is removed with the object or, by a watchdog, soon after our process
// has died of whatever cause.
class GuardedFolder {
 public:
  explicit GuardedFolder(const std::string& prefix);

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TempDir folder_;
  Fd lifeline_;  // closed by our death: then the watchdog acts
  Running watchdog_;
};

// The command that runs `argv` and kills it when the thread that started it ends. For servers that
// write into a GuardedFolder: what is dead writes nothing more.
std::vector<std::string> tied_to_us(std::vector<std::string> argv);

}  // namespace pgstow::test
