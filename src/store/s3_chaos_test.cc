// The store over TLS through a proxy that cuts, stalls and slows connections at random places.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "harness/program.h"
#include "harness/rgw.h"
#include "harness/s3_connect.h"
#include "harness/store_contract.h"
#include "harness/tcp_proxy.h"

namespace pgstow::test {
namespace {

int port_of(const std::string& url) { return std::stoi(url.substr(url.rfind(':') + 1)); }

TEST(S3Chaos, WhatIsStoredIsWholeAndWhatFailsIsNotThere) {
  const Rgw& rgw = shared_rgw();
  const std::string bucket = rgw.make_bucket();
  TcpProxy proxy(port_of(rgw.https_url()));
  const SystemClock clock;
  const Log log(clock, LogFormat::kText, Level::kError);
  const Context context{.log = log, .clock = clock, .stop = {}};
  const TempDir notes("pgstow-notes-");
  S3Settings settings = s3_settings(rgw.address(), bucket);
  settings.ca = rgw.ca();
  settings.notes = notes.path();
  settings.part_bytes = 64 * 1024;
  settings.stall = std::chrono::seconds(1);
  settings.attempts = 6;
  settings.endpoint = fmt::format("https://127.0.0.1:{}", proxy.port());
  S3Store store(settings, std::make_unique<FixedKeys>(rgw.admin()), context);
  proxy.set_plans(chaos(20261127, {.reset = 0.2,
                                   .half_close = 0.1,
                                   .stall = 0.03,
                                   .flip = 0.1,
                                   .slow = 0.1,
                                   .within_bytes = 300'000,
                                   .most_delay = std::chrono::milliseconds(20)}));
  const std::string bytes = noise(300'000, 9);
  int stored = 0;
  int read = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string key = fmt::format("backup_{}.dump.gz", i);
    try {
      put(store, key, bytes);
      ++stored;
      if (read_object(store, key) == bytes) ++read;
    } catch (const Error& e) {
      fmt::print("{}: {}\n", key, e.what());
    }
    const S3Reply there = rgw.request("GET", fmt::format("/{}/shop/{}", bucket, key));
    EXPECT_TRUE(there.status != 200 || there.body == bytes) << key;
  }
  proxy.set_plan({});
  store.clear_leftovers();
  // But for those whose beginning was not answered: they are ended an hour later.
  for (const std::string& upload : rgw.uploads(bucket)) EXPECT_EQ(rgw.parts(bucket, upload), 0U);
  EXPECT_GE(static_cast<int>(store.list("backup_").size()), stored);
  EXPECT_GE(stored, 30);
  fmt::print("{} of 40 stored, {} read again\n", stored, read);
}

}  // namespace
}  // namespace pgstow::test
