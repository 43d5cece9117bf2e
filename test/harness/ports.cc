#include "harness/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"

namespace pgstow::test {

int free_port() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw_errno("looking for a free port");
  }
  return ntohs(address.sin_port);
}

}  // namespace pgstow::test
