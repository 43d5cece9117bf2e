// Keeps a server that all tests of a run share: see harness/shared_server.h.
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "harness/docker.h"
#include "harness/rgw.h"
#include "harness/shared_server.h"
#include "harness/swift.h"

namespace pgstow::test {
namespace {

template <typename Server>
void keep(const std::string& kind) {
  std::unique_ptr<Server> server;
  keep_shared(kind, [&] {
    server = std::make_unique<Server>();
    return server->address().text();
  });
}

void keep_docker(const std::string& kind) {
  std::unique_ptr<DockerEngine> engine;
  keep_shared(kind, [&] {
    engine = std::make_unique<DockerEngine>();
    return engine->host();
  });
}

const std::map<std::string, std::function<void(const std::string&)>> kKinds = {
    {"docker", keep_docker}, {"rgw", keep<Rgw>}, {"swift", keep<Swift>}};

}  // namespace
}  // namespace pgstow::test

int main(int argc, char** argv) {
  try {
    const std::string kind = argc == 2 ? argv[1] : "";
    pgstow::test::kKinds.at(kind)(kind);
    return 0;
  } catch (const std::exception& e) {
    pgstow::to_stderr(std::string("keeper: ") + e.what() + "\n");
    return 1;
  }
}
