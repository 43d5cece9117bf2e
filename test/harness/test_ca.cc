#include "harness/test_ca.h"

#include <string>
#include <vector>

#include "harness/program.h"

namespace pgstow::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNames =
    "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:s3.test,DNS:*.s3.test\n"
    "basicConstraints=CA:FALSE\n";

void openssl(const fs::path& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  run_ok({.argv = std::move(arguments), .folder = folder});
}

}  // namespace

TestCa make_test_ca(const fs::path& folder) {
  fs::create_directories(folder);
  const std::vector<std::string> new_key = {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                            "-nodes"};
  std::vector<std::string> authority = {
      "req",     "-x509",       "-days",   "2",
      "-subj",   "/CN=test-ca", "-addext", "basicConstraints=critical,CA:TRUE",
      "-keyout", "ca.key",      "-out",    "ca.pem"};
  authority.insert(authority.end(), new_key.begin(), new_key.end());
  openssl(folder, authority);
  std::vector<std::string> request = {"req",        "-subj", "/CN=s3.test", "-keyout",
                                      "server.key", "-out",  "server.csr"};
  request.insert(request.end(), new_key.begin(), new_key.end());
  openssl(folder, request);
  write_file(folder / "names", kNames);
  openssl(folder, {"x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                   "-CAcreateserial", "-days", "2", "-out", "server.pem", "-extfile", "names"});
  return {
      .ca = folder / "ca.pem", .certificate = folder / "server.pem", .key = folder / "server.key"};
}

}  // namespace pgstow::test
