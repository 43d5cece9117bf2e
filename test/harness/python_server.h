// Servers that tests run as Python scripts: the port is the first line that they print.
#pragma once

#include <string>

#include "harness/program.h"

namespace pgstow::test {

// Debian's, which has Debian's modules, whatever else is in PATH.
inline constexpr const char* kPython = "/usr/bin/python3";

// Waits until the server has printed its port. Throws Error with what it said when it ended before,
// or took longer than half a minute.
std::string port_printed_by(const Running& server);

}  // namespace pgstow::test
