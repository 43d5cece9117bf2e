// Ports of 127.0.0.1 that nobody uses.
#pragma once

namespace pgstow::test {

// A TCP port that was free a moment ago. Somebody else may take it before a server does: who starts
// one tries again with another port.
int free_port();

}  // namespace pgstow::test
