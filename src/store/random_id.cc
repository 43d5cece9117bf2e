#include "store/random_id.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cstdint>

#include "base/error.h"

namespace pgstow {

std::string random_id() {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) throw_errno("getrandom");
  return fmt::format("{:016x}", random);
}

}  // namespace pgstow
