// An HTTPS server, by Python: another TLS than ours, with a certificate of the tests' own CA. It
// answers every POST with 200 and keeps the bodies.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "harness/program.h"
#include "harness/test_ca.h"

namespace pgstow::test {

class TlsHttp {
 public:
  TlsHttp();

  std::string url() const;  // "https://127.0.0.1:PORT"
  const std::filesystem::path& ca() const { return certificates_.ca; }
  std::string received() const;  // all bodies

 private:
  TempDir folder_;
  TestCa certificates_;
  Running server_;
  std::string port_;
};

}  // namespace pgstow::test
