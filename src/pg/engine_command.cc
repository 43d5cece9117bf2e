#include "pg/engine_command.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

bool is_in_path(const std::string& program, const Lookup& environment) {
  const std::string path = environment("PATH").value_or("");
  std::error_code none;
  for (const std::string_view folder : split(path, ':')) {
    if (std::filesystem::is_regular_file(std::filesystem::path(folder) / program, none))
      return true;
  }
  return false;
}

// podman looks at neither DOCKER_HOST nor Docker's contexts: unless told otherwise, it takes the
// containers of this user on this host.
std::vector<std::string> podman_at(const EngineAddress& engine) {
  if (!engine.socket.empty()) return {"podman", "--remote", "--url", "unix://" + engine.socket};
  constexpr std::string_view kPlain = "http://";
  if (!engine.url.starts_with(kPlain)) {
    throw ConfigError("the podman command does not reach an engine by TLS (" + engine.url + ")",
                      "install the package docker-cli, or docker.io");
  }
  return {"podman", "--remote", "--url", "tcp://" + engine.url.substr(kPlain.size())};
}

}  // namespace

std::vector<std::string> exec_command(const EngineAddress& engine, const std::string& container,
                                      const Lookup& environment) {
  std::vector<std::string> words;
  if (is_in_path("docker", environment)) {
    words = {"docker"};
    if (!engine.cli_host.empty()) words.insert(words.end(), {"--host", engine.cli_host});
  } else if (is_in_path("podman", environment)) {
    words = podman_at(engine);
  } else {
    throw NotFound("no docker (or podman) command in PATH: with it programs are run in a container",
                   "install the package docker-cli, or docker.io");
  }
  words.insert(words.end(), {"exec", "-i", container});
  return words;
}

}  // namespace pgstow::pg
