#include "pg/engine_command.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/words.h"
#include "harness/program.h"

namespace pgstow::pg {
namespace {

using testing::HasSubstr;

// A host with these commands, an engine at this DOCKER_HOST, and what is run for the container.
std::string command(const std::vector<std::string>& programs, const std::string& docker_host,
                    bool tls = false) {
  const test::TempDir path("pgstow-path-");
  for (const std::string& program : programs) test::write_file(path / program, "");
  const Lookup environment = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "PATH") return "/nowhere:" + path.path().string();
    if (name == "DOCKER_HOST") return docker_host;
    if (name == "DOCKER_TLS_VERIFY" && tls) return "1";
    return std::nullopt;
  };
  try {
    return shell_line(exec_command(engine_address(environment), "1a2b3c", environment));
  } catch (const Error& e) {
    return fmt::format("{}: {}; {}", e.exit_code(), e.what(), e.hint());
  }
}

TEST(ExecCommand, DockersOwnMeansTheSameEngine) {
  EXPECT_EQ(command({"docker", "podman"}, "unix:///x/y.sock"),
            "docker --host unix:///x/y.sock exec -i 1a2b3c");
  EXPECT_EQ(command({"docker"}, "tcp://10.0.0.5:2376", true),
            "docker --host tcp://10.0.0.5:2376 exec -i 1a2b3c");
}

TEST(ExecCommand, PodmansIsToldTheEngine) {
  EXPECT_EQ(command({"podman"}, "unix:///run/user/1000/podman/podman.sock"),
            "podman --remote --url unix:///run/user/1000/podman/podman.sock exec -i 1a2b3c");
  EXPECT_EQ(command({"podman"}, "tcp://10.0.0.5:2375"),
            "podman --remote --url tcp://10.0.0.5:2375 exec -i 1a2b3c");
  EXPECT_THAT(command({"podman"}, "tcp://10.0.0.5:2376", true),
              testing::AllOf(HasSubstr("2: the podman command does not reach"),
                             HasSubstr("https://10.0.0.5:2376"), HasSubstr("docker-cli")));
}

TEST(ExecCommand, NeitherOfThem) {
  EXPECT_THAT(command({"nerdctl"}, "unix:///x"), HasSubstr("10: no docker (or podman) command"));
}

}  // namespace
}  // namespace pgstow::pg
