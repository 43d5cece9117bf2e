// A throw-away S3 server for the measurements: prints what a shell has to set, and lives until its
// standard input ends.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <exception>

#include "base/log.h"
#include "harness/rgw.h"

int main() {
  try {
    const pgstow::test::Rgw rgw;
    fmt::print("URL={} HTTPS_URL={} CA={} BUCKET={} ACCESS_KEY={} SECRET_KEY={}\n", rgw.url(),
               rgw.https_url(), rgw.ca().string(), rgw.make_bucket(), rgw.admin().access_key,
               rgw.admin().secret_key);
    if (std::fflush(stdout) != 0) return 1;
    std::array<char, 256> line{};
    while (std::fgets(line.data(), line.size(), stdin) != nullptr) continue;
    return 0;
  } catch (const std::exception& e) {
    pgstow::to_stderr(fmt::format("s3 server: {}\n", e.what()));
    return 1;
  }
}
