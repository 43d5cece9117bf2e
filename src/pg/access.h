// Ways to a server: to one that libpq reaches by itself, to one in a container, to one behind a
// command.
//
// A backup and a restore need two things of it: sessions of their own, and PostgreSQL's programs.
// In a container, and behind a command, the programs are those that are there. Sessions go straight
// to the server where it can be reached (a published port, the container's address), and otherwise
// through a tunnel (tunnel.h). An address is used only when it leads to the very server that the
// programs meet (identity.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/error.h"
#include "pg/connection.h"
#include "pg/conninfo.h"
#include "pg/runner.h"
#include "pg/tunnel.h"

namespace pgstow::pg {

// What the user says of it.
struct Place {
  Parameters server = {};              // libpq's parameters; with `exec`, as seen from there
  std::vector<std::string> exec = {};  // the command that runs others where the server is
  std::string container = {};          // or the container; see choose_container()
  ImageVariables image = {};           // with a container: they win over its own

  bool is_here() const { return exec.empty() && container.empty(); }
};

// The database that is meant. Asks the container engine only when nothing else names it; the
// container need not run. Throws as find_container() does.
std::string database_of(const Place& place, const Context& context);

// An open way. It has to outlive the sessions that it leads to.
class Access {
 public:
  // Finds the way. A server that starts just now is waited for, up to a minute. Throws when the
  // container is not known, does not run, or nothing in it answers: each with what to do.
  static Access open(const Place& place, const Context& context);

  // For sessions of ours: Connection::open().
  const Parameters& server() const { return server_; }
  // Where the programs run.
  const Runner& runner() const { return runner_; }
  // The way, for people: "finance_bot_db by 127.0.0.1:5433"; empty for a server without ado.
  const std::string& description() const { return description_; }
  // What is not as it should be, though it works: an unhealthy container. Empty: nothing.
  const std::string& doubt() const { return doubt_; }

 private:
  Access(Parameters server, Runner runner, std::unique_ptr<Tunnel> tunnel);
  static Access behind(const Place& place, const Context& context);
  static Access into_container(const Place& place, const Context& context);

  Parameters server_;
  Runner runner_;
  std::unique_ptr<Tunnel> tunnel_;  // null: no need of one
  std::string description_;
  std::string doubt_;
};

// Adds to an error of a job that was at work there what may be its cause: "the container db is not
// running any more (exited, status 137, 1 s ago)". Never throws.
void tell_what_became_of(const Place& place, Error& error, const Context& context) noexcept;

}  // namespace pgstow::pg
