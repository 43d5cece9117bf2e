#include "pg/engine_address.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <optional>
#include <string_view>

#include "base/curl.h"
#include "base/error.h"
#include "base/json.h"
#include "base/small_file.h"
#include "base/text.h"
#include "stream/sha256.h"

namespace pgstow::pg {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostConfig = std::size_t{1} << 20;
constexpr const char* kDefaultSocket = "/var/run/docker.sock";
constexpr const char* kNoSsh =
    "the engine's API is not asked through ssh; BACKUP_EXEC='ssh HOST docker exec -i CONTAINER' "
    "works";

std::string value_of(const Lookup& environment, const char* name) {
  return environment(name).value_or("");
}

EngineAddress parse_host(const std::string& text, const std::string& origin,
                         const Lookup& environment) {
  EngineAddress address;
  if (text.starts_with("unix://")) {
    address.socket = text.substr(7);
    return address;
  }
  if (text.starts_with("/")) {
    address.socket = text;
    return address;
  }
  if (text.starts_with("ssh://")) throw ConfigError(origin + ": " + text, kNoSsh);
  const CurlUrl url(text, CURLU_NON_SUPPORT_SCHEME);
  const std::string scheme = url.part(CURLUPART_SCHEME);
  if (!url.is_good() || (scheme != "tcp" && scheme != "http" && scheme != "https")) {
    throw ConfigError(origin + ": " + printable(text) + " is no address of an engine",
                      "unix:///var/run/docker.sock or tcp://host:2376");
  }
  const bool tls = scheme == "https" || !value_of(environment, "DOCKER_TLS_VERIFY").empty();
  const std::string port = url.part(CURLUPART_PORT);
  address.host = url.part(CURLUPART_HOST);
  address.url = fmt::format("{}://{}:{}", tls ? "https" : "http", address.host,
                            !port.empty() ? port
                            : tls         ? "2376"
                                          : "2375");
  if (tls) {
    const std::string folder = value_of(environment, "DOCKER_CERT_PATH");
    address.certificates =
        folder.empty() ? fs::path(value_of(environment, "HOME")) / ".docker" : fs::path(folder);
  }
  return address;
}

std::optional<boost::json::object> read_object(const fs::path& file) {
  const auto text = read_small_file(file, kMostConfig);
  if (!text) return std::nullopt;
  try {
    return parse_json_object(*text, file.native());
  } catch (const Corrupt& e) {
    throw ConfigError(e.what());
  }
}

fs::path docker_folder(const Lookup& environment) {
  const std::string folder = value_of(environment, "DOCKER_CONFIG");
  return folder.empty() ? fs::path(value_of(environment, "HOME")) / ".docker" : fs::path(folder);
}

// The host of the context in use; empty for the default one. Its file has the hash of its name for
// a name (docker/cli, cli/context/store).
std::string context_host(const Lookup& environment) {
  const fs::path folder = docker_folder(environment);
  std::string context = value_of(environment, "DOCKER_CONTEXT");
  if (context.empty()) {
    if (const auto config = read_object(folder / "config.json")) {
      context = text_at(*config, "/currentContext");
    }
  }
  if (context.empty() || context == "default") return "";
  const auto meta = read_object(folder / "contexts/meta" / sha256_hex(context) / "meta.json");
  const std::string host = meta ? text_at(*meta, "/Endpoints/docker/Host") : "";
  if (host.empty()) {
    throw ConfigError("there is no Docker context " + printable(context),
                      "`docker context ls` lists them; DOCKER_HOST names an engine directly");
  }
  return host;
}

bool is_socket(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 && S_ISSOCK(st.st_mode);
}

}  // namespace

EngineAddress engine_address(const Lookup& environment) {
  const std::string host = value_of(environment, "DOCKER_HOST");
  if (!host.empty()) {
    EngineAddress address = parse_host(host, "DOCKER_HOST", environment);
    // It sees the variable, too; but where docker is podman under another name, that does not.
    address.cli_host = address.socket.empty() ? host : "unix://" + address.socket;
    return address;
  }
  const std::string context = context_host(environment);
  if (!context.empty()) return parse_host(context, "Docker's context", environment);
  std::vector<std::string> places{kDefaultSocket};
  const std::string runtime = value_of(environment, "XDG_RUNTIME_DIR");
  if (!runtime.empty()) places.push_back(runtime + "/docker.sock");
  if (!runtime.empty()) places.push_back(runtime + "/podman/podman.sock");
  places.emplace_back("/run/podman/podman.sock");
  for (const std::string& place : places) {
    if (!is_socket(place)) continue;
    EngineAddress address{.socket = place};
    if (place != kDefaultSocket) address.cli_host = "unix://" + place;
    return address;
  }
  throw NotFound("no container engine: there is no socket at " + join(places, ", "),
                 "is Docker installed and running (`systemctl start docker`)? DOCKER_HOST names "
                 "one elsewhere");
}

}  // namespace pgstow::pg
