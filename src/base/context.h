// What every job is handed: where it logs, what time it is, and whether it should stop.
#pragma once

#include <stop_token>

#include "base/clock.h"
#include "base/log.h"

namespace pgstow {

struct Context {
  const Log& log;
  const Clock& clock;
  std::stop_token stop;
};

}  // namespace pgstow
