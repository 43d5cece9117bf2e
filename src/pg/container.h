// A container with a PostgreSQL in it: which one is meant, how it is, what it says of its database,
// and where its server can be reached.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "pg/conninfo.h"
#include "pg/engine.h"

namespace pgstow::pg {

// One line of the engine's list (GET /containers/json).
struct ListedContainer {
  std::string id;
  std::string name;    // without the slash
  std::string image;   // as it was named
  std::string state;   // "running", "exited", ...
  std::string status;  // for people: "Up 2 hours"
  std::map<std::string, std::string> labels = {};
};

// The one that the user means: its name, else the beginning of its id, else a Compose service
// ("shop/db" is the service db of the project shop), or "label=NAME" and "label=NAME=VALUE". Throws
// NotFound, listing those that look like a PostgreSQL, when there is none, and ConfigError, listing
// them, when there are several.
const ListedContainer& choose_container(const std::vector<ListedContainer>& containers,
                                        std::string_view wanted);

struct ServerAddress {
  std::string host;
  std::string port;
};

// What GET /containers/ID/json tells, as far as it matters here.
struct Container {
  std::string id;
  std::string name;
  std::string state;           // "running", "paused", "restarting", "exited", "created", "dead"
  std::string how_it_is = {};  // for people: "exited, status 137, 5 min ago"
  std::string health = {};     // "healthy", "unhealthy", "starting"; empty: nobody looks
  std::string health_said = {};
  std::optional<Time> started = {};
  std::map<std::string, std::string> environment = {};  // may hold passwords
  std::string port = "5432";                            // of the server, inside
  std::vector<ServerAddress> addresses = {};            // as seen from here, the likeliest first

  bool runs() const { return state == "running"; }
};

std::vector<ListedContainer> read_list(const boost::json::value& reply);
// `engine_host`: where published ports are; empty: on this host. `now` is for how_it_is.
Container read_container(const boost::json::value& reply, const std::string& engine_host, Time now);

// The container that is meant, as it is now.
Container find_container(Engine& engine, std::string_view wanted, Time now);

// What the image's variables say of the database (POSTGRES_..., bitnami's POSTGRESQL_...); the
// user is "postgres" where they don't name one. A password that stands in a file there is not among
// them: its path is told.
struct ContainerDatabase {
  ImageVariables variables;
  // Files in the container with what the variables lack.
  std::string user_file = {};
  std::string database_file = {};
  std::string password_file = {};
};
ContainerDatabase database_in(const Container& container);

// Throws, with what to do about it, unless the container runs. The error begins with kNotRunning.
constexpr std::string_view kNotRunning = "Database container not running";
void refuse_stopped(const Container& container);

}  // namespace pgstow::pg
