#include "daemon/patience.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace pgstow {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1000};

}  // namespace

void try_patiently(const Patience& patience, const Context& context,
                   const std::function<std::optional<std::chrono::milliseconds>()>& attempt) {
  std::chrono::milliseconds left = patience.pauses;
  std::chrono::milliseconds pause = kFirstPause;
  for (int n = 1;; ++n, pause *= 2) {
    const bool last = n >= patience.attempts || pause > left;
    std::chrono::milliseconds wait = pause;
    try {
      const auto asked = attempt();
      if (!asked || last || *asked > left) return;
      wait = std::max(wait, *asked);
    } catch (const Transient& e) {
      if (last) throw;
      context.log.debug(fmt::format("tried again in {}: {}", human_duration(wait), e.what()));
    }
    context.clock.sleep(wait, context.stop);
    left -= wait;
  }
}

}  // namespace pgstow
