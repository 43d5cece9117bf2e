// The tunnel, through a command that leads nowhere else: what its relays join is a real server, or
// one of ours.
#include "pg/tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <thread>

#include "base/child.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "harness/postgres.h"
#include "harness/program.h"

namespace pgstow::pg {
namespace {

using testing::HasSubstr;

// A PATH with a few programs alone, so that the relay is made of the one that is asked for.
class Path {
 public:
  explicit Path(const std::vector<std::string>& programs) {
    for (const std::string& program : programs) {
      const std::string found = test::run_ok(
          {.argv = {"sh", "-c", "PATH=/usr/bin:/bin; readlink -f \"$(command -v \"$0\")\"",
                    program}});
      std::filesystem::create_symlink(trim(found), folder_ / program);
    }
  }

  Runner runner(const std::string& host, int port) const {
    return {.prefix = {"env", "-i", "PATH=" + folder_.path().string()},
            .host = host,
            .port = std::to_string(port)};
  }

 private:
  test::TempDir folder_{"pgstow-path-"};
};

Parameters as_superuser(const test::TestServer& server) {
  return {{"user", "postgres"}, {"dbname", "postgres"}, {"password", server.password()}};
}

// Processes whose arguments have this text.
int relays_to(const std::string& text) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    try {
      if (parse_int(entry.path().filename().string()) &&
          test::read_file(entry.path() / "cmdline").find(text) != std::string::npos) {
        ++count;
      }
    } catch (const Error&) {
      continue;  // it has ended meanwhile
    }
  }
  return count;
}

std::string name_of(const testing::TestParamInfo<std::vector<std::string>>& relay) {
  return relay.param[1];
}

class EachRelay : public testing::TestWithParam<std::vector<std::string>> {
 protected:
  const Path path{GetParam()};
};

// More than pipes and sockets hold, both ways.
std::int64_t length_there_and_back(Connection& session) {
  const std::string big(1'000'000, 'x');
  return static_cast<std::int64_t>(session.query("select $1 || $1", {big}).text(0, 0).size());
}

TEST_P(EachRelay, CarriesManySessionsAtOnce) {
  const test::TestServer server({.tcp = true, .auth = "scram-sha-256"});
  const Tunnel tunnel(path.runner("127.0.0.1", server.port()));
  std::vector<Connection> sessions;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(Connection::open(tunnel.through(as_superuser(server)), {}));
  }
  for (Connection& session : sessions) EXPECT_EQ(length_there_and_back(session), 2'000'000);
  sessions.push_back(sessions.front().open_another("template1", {}));
  EXPECT_EQ(sessions.back().database(), "template1");
}

TEST_P(EachRelay, EndsWithItsSession) {
  const test::TestServer server({.tcp = true});
  const std::string port = std::to_string(server.port());
  const Tunnel tunnel(path.runner("127.0.0.1", server.port()));
  {
    Connection session = Connection::open(tunnel.through(as_superuser(server)), {});
    EXPECT_GT(relays_to(port), 1);  // the server itself is one
  }
  while (server.value("postgres",
                      "select count(*) from pg_stat_activity where client_addr is not null") !=
         "0") {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  while (relays_to(port) > 1) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST_P(EachRelay, TellsWhyItReachesNothing) {
  const Tunnel tunnel(path.runner("127.0.0.1", 1));
  EXPECT_THROW(static_cast<void>(Connection::open(tunnel.through({{"user", "x"}}), {})), Transient);
  while (tunnel.problem().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(lower(tunnel.problem()), HasSubstr("refused"));
}

const std::vector<std::vector<std::string>> kRelays{
    {"sh", "perl"}, {"sh", "python3"}, {"sh", "socat"}, {"sh", "nc"}, {"sh", "bash", "cat"}};
INSTANTIATE_TEST_SUITE_P(, EachRelay, testing::ValuesIn(kRelays), name_of);

// Those that know Unix sockets reach a server that has no TCP at all.
class EachRelayByUnixSocket : public EachRelay {};

TEST_P(EachRelayByUnixSocket, CarriesASession) {
  const test::TestServer server;
  const Tunnel tunnel(path.runner(server.socket_dir(), server.port()));
  Connection session = Connection::open(tunnel.through(as_superuser(server)), {});
  EXPECT_EQ(length_there_and_back(session), 2'000'000);
}

INSTANTIATE_TEST_SUITE_P(, EachRelayByUnixSocket,
                         testing::ValuesIn(kRelays.begin(), std::prev(kRelays.end())), name_of);

TEST(Tunnel, WithNothingToMakeARelayOfItSaysSo) {
  const Path path({"sh"});
  const Tunnel tunnel(path.runner("127.0.0.1", 1));
  EXPECT_THROW(static_cast<void>(Connection::open(tunnel.through({{"user", "x"}}), {})), Transient);
  while (tunnel.problem().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(tunnel.problem(), HasSubstr("socat, perl, python3 or nc would"));
}

TEST(Tunnel, ItsEndEndsRelaysAndSessions) {
  const test::TestServer server({.tcp = true});
  const Path path({"sh", "perl"});
  auto tunnel = std::make_unique<Tunnel>(path.runner("127.0.0.1", server.port()));
  Connection session = Connection::open(tunnel->through(as_superuser(server)), {});
  tunnel.reset();
  EXPECT_THROW(session.query("select 1"), Transient);
  while (relays_to(std::to_string(server.port())) > 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// A statement is cancelled through a connection of its own.
TEST(Tunnel, AStopReachesTheServer) {
  const test::TestServer server({.tcp = true});
  const Path path({"sh", "perl"});
  const Tunnel tunnel(path.runner("127.0.0.1", server.port()));
  std::stop_source stop;
  Connection session = Connection::open(tunnel.through(as_superuser(server)), stop.get_token());
  const std::jthread stopper([&] {
    while (server.value("postgres",
                        "select count(*) from pg_stat_activity where query = 'select "
                        "pg_sleep(60)' and state = 'active'") == "0") {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    stop.request_stop();
  });
  EXPECT_THROW(session.query("select pg_sleep(60)"), Cancelled);
  while (server.value("postgres",
                      "select count(*) from pg_stat_activity where query = 'select "
                      "pg_sleep(60)' and state = 'active'") != "0") {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// What a connection through the tunnel is like at its ends, with a server of two lines.
class HalfOpen : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(HalfOpen, AnAnswerAfterTheEndOfTheQuestionArrives) {
  // Answers when the question has ended, as no PostgreSQL does.
  const test::TempDir dir("pgstow-half-");
  const std::string socket = dir / ".s.PGSQL.5432";
  const test::Running server(
      {.argv = {"perl", "-MIO::Socket::UNIX", "-e",
                "my $l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die; my $c = "
                "$l->accept; my $t = join('', <$c>); print $c \"had $t\"; close $c",
                socket}});
  while (!std::filesystem::exists(socket)) std::this_thread::yield();
  const Path path(GetParam());
  const Tunnel tunnel(path.runner(dir.path(), 5432));
  const Parameters at = tunnel.through({});
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = at.at("host") + "/.s.PGSQL." + at.at("port");
  std::memcpy(address.sun_path, name.data(), name.size());
  address.sun_path[0] = '\0';
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
            0);
  write_all(fd, "question", {}, "the tunnel");
  ::shutdown(fd.get(), SHUT_WR);
  std::string answer;
  std::array<char, 100> buffer;
  while (const std::size_t n = read_some(fd, buffer, {}, "the tunnel")) {
    answer.append(buffer.data(), n);
  }
  EXPECT_EQ(answer, "had question");
}

INSTANTIATE_TEST_SUITE_P(, HalfOpen, testing::ValuesIn(kRelays.begin(), std::prev(kRelays.end())),
                         name_of);

}  // namespace
}  // namespace pgstow::pg
