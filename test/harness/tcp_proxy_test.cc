#include "harness/tcp_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "harness/postgres.h"
#include "harness/rgw.h"
#include "harness/scripted_s3.h"
#include "harness/store_contract.h"

namespace pgstow::test {
namespace {

using testing::HasSubstr;

std::string receive_all(TcpPeer& peer) {
  std::string all;
  std::array<char, 10'000> buffer{};
  while (const std::size_t n = peer.receive(buffer)) all.append(buffer.data(), n);
  return all;
}

// Sends back what it gets, and "end" at its end.
class TcpProxyTest : public testing::Test {
 protected:
  // What comes back when all is sent; "reset" when the connection breaks. Of both threads only one
  // is told of a reset.
  std::string send(const std::string& bytes) const {
    TcpPeer peer(connect_to(proxy_.port()));
    std::atomic<bool> broken = false;
    std::string back;
    const auto trying = [&](const std::function<void()>& work) {
      try {
        work();
      } catch (const PeerGone&) {
        broken = true;
      }
    };
    std::jthread sender([&] {
      trying([&] { peer.send(bytes); });
      peer.finish_sending();
    });
    trying([&] { back = receive_all(peer); });
    sender.join();
    return broken ? "reset" : back;
  }

  TcpServer echo_{[](TcpPeer& peer) {
    std::array<char, 10'000> buffer{};
    while (const std::size_t n = peer.receive(buffer)) peer.send({buffer.data(), n});
    peer.send("end");
  }};
  TcpProxy proxy_{echo_.port()};
};

TEST_F(TcpProxyTest, PassesEverythingBothWays) {
  const std::string bytes = noise(5'000'001);
  EXPECT_TRUE(send(bytes) == bytes + "end");
  const ProxyCounts counts = proxy_.counts();
  EXPECT_EQ(counts.connections, 1);
  EXPECT_EQ(counts.bytes_to_server, bytes.size());
  EXPECT_EQ(counts.bytes_to_client, bytes.size() + 3);
  EXPECT_EQ(counts.resets + counts.half_closes + counts.stalls + counts.flips, 0);
}

TEST_F(TcpProxyTest, PassesASlowConnection) {
  proxy_.set_plan({.delay = std::chrono::milliseconds(1), .bytes_per_second = 1'000'000});
  const std::string bytes = noise(50'000);
  EXPECT_TRUE(send(bytes) == bytes + "end");
}

TEST_F(TcpProxyTest, Resets) {
  for (const Way way : {Way::kToServer, Way::kToClient}) {
    proxy_.set_plan({.fate = Fate::kReset, .way = way, .after_bytes = 100'000});
    EXPECT_TRUE(send(noise(5'000'000)) == "reset");
  }
  const ProxyCounts counts = proxy_.counts();
  EXPECT_EQ(counts.resets, 2);
  EXPECT_GE(counts.bytes_to_client, 100'000U);
  EXPECT_LT(counts.bytes_to_client, 200'001U);
}

TEST_F(TcpProxyTest, ClosesHalf) {
  const std::string bytes = noise(300'000);
  proxy_.set_plan({.fate = Fate::kHalfClose, .way = Way::kToServer, .after_bytes = 100'000});
  EXPECT_TRUE(send(bytes) == bytes.substr(0, 100'000) + "end");
  proxy_.set_plan({.fate = Fate::kHalfClose, .way = Way::kToClient, .after_bytes = 100'000});
  EXPECT_TRUE(send(bytes) == bytes.substr(0, 100'000));
  EXPECT_EQ(proxy_.counts().half_closes, 2);
}

TEST_F(TcpProxyTest, FlipsOneBit) {
  std::string bytes = noise(300'000);
  proxy_.set_plan({.fate = Fate::kFlip, .after_bytes = 123'456});
  const std::string back = send(bytes);
  bytes[123'456] = static_cast<char>(bytes[123'456] ^ 1);
  EXPECT_TRUE(back == bytes + "end");
  EXPECT_EQ(proxy_.counts().flips, 1);
}

TEST_F(TcpProxyTest, StallsUntilTheClientGoes) {
  proxy_.set_plan({.fate = Fate::kStall, .way = Way::kToClient, .after_bytes = 4});
  TcpPeer peer(connect_to(proxy_.port()));
  peer.send("0123456789");
  std::string got;
  std::array<char, 100> buffer{};
  while (got.size() < 4) got.append(buffer.data(), peer.receive(buffer));
  EXPECT_EQ(got, "0123");
  while (proxy_.counts().stalls == 0) std::this_thread::yield();
  EXPECT_NO_THROW(peer.pause(std::chrono::milliseconds(10)));
}

TEST_F(TcpProxyTest, ResetsWhatIsThere) {
  TcpPeer peer(connect_to(proxy_.port()));
  peer.send("x");
  std::array<char, 10> buffer{};
  EXPECT_EQ(peer.receive(buffer), 1U);
  proxy_.reset_all();
  EXPECT_THROW(peer.receive(buffer), PeerGone);
  EXPECT_EQ(send("y"), "yend");
}

TEST(Chaos, IsTheSameForTheSameSeed) {
  const Odds odds{.reset = 0.2, .half_close = 0.2, .stall = 0.2, .flip = 0.2, .slow = 0.5};
  const auto draw = [&](unsigned seed) {
    std::vector<std::tuple<Fate, Way, std::uint64_t, std::int64_t>> out;
    const auto next = chaos(seed, odds);
    for (int i = 0; i < 100; ++i) {
      const Plan plan = next();
      out.emplace_back(plan.fate, plan.way, plan.after_bytes, plan.delay.count());
    }
    return out;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  std::set<Fate> fates;
  for (const auto& plan : draw(1)) fates.insert(std::get<0>(plan));
  EXPECT_EQ(fates.size(), 5U);
}

TEST_F(TcpProxyTest, SurvivesChaos) {
  proxy_.set_plans(chaos(7, {.reset = 0.3,
                             .half_close = 0.3,
                             .flip = 0.3,
                             .slow = 0.5,
                             .within_bytes = 100'000,
                             .most_delay = std::chrono::milliseconds(2)}));
  const std::string bytes = noise(100'000);
  for (int i = 0; i < 40; ++i) send(bytes);
  const ProxyCounts counts = proxy_.counts();
  EXPECT_EQ(counts.connections, 40);
  EXPECT_GT(counts.resets, 0);
  EXPECT_GT(counts.half_closes, 0);
  EXPECT_GT(counts.flips, 0);
  proxy_.set_plan({});
  EXPECT_TRUE(send(bytes) == bytes + "end");
}

TEST(TcpProxy, StandsBeforeAnS3Server) {
  const ScriptedS3 s3;
  TcpProxy proxy(std::stoi(s3.url().substr(s3.url().rfind(':') + 1)));
  S3Address address = s3.address();
  address.url = "http://127.0.0.1:" + std::to_string(proxy.port());
  const S3Server there(address);
  there.put(s3.bucket(), "k", "bytes");
  EXPECT_EQ(there.get(s3.bucket(), "k"), "bytes");
  proxy.set_plan({.fate = Fate::kReset, .way = Way::kToClient, .after_bytes = 10});
  EXPECT_THROW(there.get(s3.bucket(), "k"), Error);
}

TEST(TcpProxy, StandsBeforeHttps) {
  const Rgw& rgw = shared_rgw();
  TcpProxy proxy(std::stoi(rgw.https_url().substr(rgw.https_url().rfind(':') + 1)));
  const std::string url = "https://127.0.0.1:" + std::to_string(proxy.port());
  const Program get{.argv = {"curl", "-sS", "--cacert", rgw.ca(), url}};
  EXPECT_THAT(run_ok(get), HasSubstr("ListAllMyBucketsResult"));
  proxy.set_plan({.fate = Fate::kFlip, .way = Way::kToClient, .after_bytes = 300});
  EXPECT_NE(run(get).exit_code, 0);
}

TEST(TcpProxy, StandsBeforePostgres) {
  const TestServer server({.tcp = true});
  TcpProxy proxy(server.port());
  const std::string url = "host=127.0.0.1 user=postgres port=" + std::to_string(proxy.port());
  const Program ask{.argv = {"psql", "-XAtc", "SELECT 6 * 7", url}};
  EXPECT_EQ(run_ok(ask), "42\n");
  proxy.set_plan({.fate = Fate::kReset, .way = Way::kToClient, .after_bytes = 400});
  EXPECT_NE(run(ask).exit_code, 0);
}

}  // namespace
}  // namespace pgstow::test
