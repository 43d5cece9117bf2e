// A relay: joins its input and output with a server's socket, where the server is.
//
// Nothing of ours is installed there, so it is made of what is found: socat, perl, python3, nc or
// bash. When its input ends, the server is told so, and the relay ends with the server's answer, or
// ten seconds later.
#pragma once

#include "base/child.h"
#include "pg/runner.h"

namespace pgstow::pg {

// To runner.host (a name, an address, or the folder of a Unix socket; empty: $PGHOST there, else
// 127.0.0.1) and runner.port (empty: $PGPORT there, else 5432).
Command relay_command(const Runner& runner);

}  // namespace pgstow::pg
