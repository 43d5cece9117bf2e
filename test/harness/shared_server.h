// One server for all test processes of a machine: started by the first that asks, kept by a process
// of its own (the keeper), and ended when nobody has used it for some seconds.
//
// ctest runs every case in a process of its own; a server for each would cost seconds a case.
#pragma once

#include <functional>
#include <string>

namespace pgstow::test {

// The address of the shared server of that kind ("rgw", "swift"), as its keeper announced it. Our
// process counts as a user until it ends. Throws Error with the keeper's words when it can't start.
std::string shared_address(const std::string& kind);

// The keeper's work: start() starts the server and returns its address; then waits until the server
// is no longer used, and returns. The server goes with what start() keeps alive.
void keep_shared(const std::string& kind, const std::function<std::string()>& start);

}  // namespace pgstow::test
