#include "harness/python_server.h"

#include <chrono>
#include <thread>

#include "base/error.h"

namespace pgstow::test {

std::string port_printed_by(const Running& server) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    const std::string out = server.out();
    if (const std::size_t end = out.find('\n'); end != std::string::npos) return out.substr(0, end);
    if (server.ended()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw Error("a server did not start: " + server.err());
}

}  // namespace pgstow::test
