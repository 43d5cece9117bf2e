// A host without PostgreSQL, whose database is in a container.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "e2e/pgstow.h"
#include "harness/docker.h"

namespace pgstow::test {

// PostgreSQL's programs are hidden in a mount of our own.
inline constexpr const char* kWithoutPostgres =
    "mount -t tmpfs none /usr/lib/postgresql && exec \"$@\"";

// The host: its folder with backups, and pgstow on it, which is told the container alone.
class Host {
 public:
  explicit Host(std::string setting) : settings_{std::move(setting)} {}

  Host& with(std::string setting) {
    settings_.push_back(std::move(setting));
    return *this;
  }

  Program program(const std::vector<std::string>& arguments) const {
    Program p;
    p.argv = {"unshare", "--mount", "sh", "-c", kWithoutPostgres, "sh", PGSTOW_BINARY};
    if (network_ > 0) {
      p.argv.insert(p.argv.begin(),
                    {"nsenter", "--net=/proc/" + std::to_string(network_) + "/ns/net"});
    }
    p.argv.insert(p.argv.end(), arguments.begin(), arguments.end());
    p.env = settings_;
    p.env.push_back("DOCKER_HOST=" + engine_);
    p.folder = folder_.path();
    return p;
  }
  Outcome run(const std::vector<std::string>& arguments) const {
    return test::run(program(arguments));
  }

  Host& engine(std::string address) {
    engine_ = std::move(address);
    return *this;
  }

  // The network that this process has.
  Host& network_of(pid_t process) {
    network_ = process;
    return *this;
  }

  std::filesystem::path backups() const { return folder_ / "backups"; }

  std::vector<std::string> archives() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(backups())) return names;
    for (const auto& entry : std::filesystem::directory_iterator(backups())) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".dump.gz") && !name.starts_with('.')) names.push_back(name);
    }
    return names;
  }

 private:
  TempDir folder_{"pgstow-host-"};
  std::vector<std::string> settings_;
  std::string engine_ = shared_docker();
  pid_t network_ = 0;  // 0: that of the tests
};

inline Host host_of(const DatabaseContainer& container) {
  return Host("BACKUP_CONTAINER=" + container.name());
}

}  // namespace pgstow::test
