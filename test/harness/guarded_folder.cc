#include "harness/guarded_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

// Servers that die with us may write for a moment more: so it removes until nothing is left.
constexpr const char* kWatchdog = R"sh(
  trap '' INT TERM HUP
  read -r _ < "$1/lifeline"
  until rm -rf "$1" && [ ! -e "$1" ]; do sleep 0.05; done
)sh";

Fd open_lifeline(const fs::path& fifo) {
  if (::mkfifo(fifo.c_str(), 0600) != 0) throw_errno("mkfifo " + fifo.string());
  // Read-write, so that neither we nor the watchdog wait for the other to open it.
  Fd fd(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) throw_errno("opening " + fifo.string());
  return fd;
}

}  // namespace

GuardedFolder::GuardedFolder(const std::string& prefix)
    : folder_(prefix),
      lifeline_(open_lifeline(folder_ / "lifeline")),
      watchdog_(
          Program{.argv = {"sh", "-c", kWatchdog, "watchdog", folder_.path()}, .folder = "/"}) {}

std::vector<std::string> tied_to_us(std::vector<std::string> argv) {
  argv.insert(argv.begin(), {"setpriv", "--pdeathsig", "KILL"});
  return argv;
}

}  // namespace pgstow::test
