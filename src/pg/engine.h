// The API of a container engine, as far as it is asked for containers: Docker's Engine API
// (https://docs.docker.com/engine/api/), which podman's service speaks, too.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <stop_token>
#include <string>

#include "pg/engine_address.h"

namespace pgstow::pg {

// Single-threaded. Every question is answered within half a minute, or it is an error.
class Engine {
 public:
  // Asks for the API's version, and speaks the newest that both know. Throws NotAllowed when this
  // user may not, Transient when the engine does not answer.
  Engine(EngineAddress address, std::stop_token stop);
  ~Engine();
  Engine(Engine&&) noexcept;

  // What GET PATH answers ("/containers/json?all=1"). Throws NotFound for a 404.
  boost::json::value get(const std::string& path);

  const EngineAddress& address() const { return address_; }
  const std::string& version() const { return version_; }  // of the API: "1.41"

 private:
  struct Wire;
  EngineAddress address_;
  std::unique_ptr<Wire> wire_;
  std::string version_;
};

}  // namespace pgstow::pg
