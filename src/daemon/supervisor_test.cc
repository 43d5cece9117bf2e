// A supervisor as systemd is one: a datagram socket that NOTIFY_SOCKET names. The service itself is
// looked at in test/e2e/service_test.cc.
#include "daemon/supervisor.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "harness/program.h"

namespace pgstow {
namespace {

Fd listen_at(const std::filesystem::path& path) {
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_errno(path.native());
  }
  return socket;
}

std::string next_of(const Fd& socket) {
  std::array<char, 256> text{};
  const ssize_t n = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
  return n < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(n));
}

TEST(Supervisor, ThatDoesNotReadHoldsNobody) {
  const test::TempDir folder("pgstow-supervisor-");
  const Fd socket = listen_at(folder / "notify");
  ::setenv("NOTIFY_SOCKET", (folder / "notify").c_str(), 1);
  const Supervisor supervisor = Supervisor::of_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  supervisor.tell("READY=1");
  const int queue = static_cast<int>(
      parse_int(trim(test::read_file("/proc/sys/net/unix/max_dgram_qlen"))).value());
  for (int i = 0; i < queue + 2; ++i) supervisor.alive();  // it would wait here for ever
  EXPECT_EQ(next_of(socket), "READY=1");
  EXPECT_EQ(next_of(socket), "WATCHDOG=1");
}

}  // namespace
}  // namespace pgstow
