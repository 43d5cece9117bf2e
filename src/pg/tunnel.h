// A way to a server that only a command reaches: a Unix socket here, and behind it, for each
// connection, a relay there.
//
// The socket has a name in Linux's abstract name space: no file is left behind whatever happens.
// Such a name is open to all, so who connects is looked at: only this user's processes may.
#pragma once

#include <memory>
#include <string>

#include "pg/connection.h"
#include "pg/runner.h"

namespace pgstow::pg {

class Tunnel {
 public:
  // To the server at runner.host and runner.port, as relay_command() takes them. Nothing is started
  // before somebody connects.
  explicit Tunnel(Runner runner);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  // Ends all connections and their relays.
  ~Tunnel();

  // `server` with our end of the tunnel as its address.
  Parameters through(Parameters server) const;

  // What the last relay that failed said; empty if none has. To be asked after a session failed,
  // which is known before its relay has been reaped: waits for that a second at most.
  std::string problem() const;

 private:
  struct Relays;
  std::unique_ptr<Relays> relays_;
};

}  // namespace pgstow::pg
