// Where a container engine (Docker, or podman's service that speaks the same API) listens.
#pragma once

#include <filesystem>
#include <string>

#include "base/env_file.h"

namespace pgstow::pg {

struct EngineAddress {
  std::string socket = {};                  // the path of a Unix socket, or
  std::string url = {};                     // "http://host:2375", "https://host:2376"
  std::string host = {};                    // of this machine or of another one; empty for a socket
  std::filesystem::path certificates = {};  // ca.pem, cert.pem, key.pem; empty: none
  std::string cli_host = {};  // what the docker command has to be told; empty: it finds the same
  // For messages: the socket or URL.
  const std::string& name() const { return socket.empty() ? url : socket; }
};

// As the docker command finds it: DOCKER_HOST (unix://, tcp://; with DOCKER_TLS_VERIFY and
// DOCKER_CERT_PATH), DOCKER_CONTEXT or the current context of ~/.docker/config.json, else the first
// socket there is of /var/run/docker.sock, $XDG_RUNTIME_DIR/docker.sock and podman's. Throws
// ConfigError for an address that is of no use here (ssh://), NotFound when there is no engine.
EngineAddress engine_address(const Lookup& environment);

}  // namespace pgstow::pg
