// A look ahead when the service begins: what would fail at night is found by day.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "backup/readiness.h"
#include "base/context.h"
#include "daemon/background.h"

namespace pgstow {

// What will keep backups from being made; as obstacle_to.
using LookAhead = std::function<std::optional<Obstacle>(const Context& context)>;

// Looks in the background from the constructor on: a server may be waited for that starts together
// with the service. Destroyed, it is stopped. A look that fails is only logged: the database may
// be away by day and there at night. What the context refers to has to outlive it.
class Outlook {
 public:
  Outlook(LookAhead look, const Context& context);
  Outlook(const Outlook&) = delete;
  ~Outlook();

  // The obstacle, once, as soon as it is known.
  std::optional<Obstacle> take();

 private:
  void carry_out();

  const LookAhead look_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> of_the_service_;
  const Context context_;
  std::optional<Obstacle> found_;  // of the work's thread until it has ended
  bool taken_ = false;
  Background work_;  // last: it uses the others
};

}  // namespace pgstow
