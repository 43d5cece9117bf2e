// What a supervisor such as systemd is told: sd_notify(3), by its protocol, without its library.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace pgstow {

// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes the first out of the environment,
// so that no child speaks for us: to be made before any thread starts. Without a supervisor all
// calls do nothing. Thread-safe.
class Supervisor {
 public:
  static Supervisor of_environment();

  // "READY=1", "STATUS=...", "STOPPING=1": lines of the protocol. That it can't be told is no
  // failure of ours; one that does not read is waited for a moment.
  void tell(std::string_view lines) const;
  // To be called at least every watchdog_interval() while all is well.
  void alive() const { tell("WATCHDOG=1"); }
  // Half of the time after which the supervisor takes us for hung; nothing: it does not watch.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return interval_; }

 private:
  std::string socket_;
  std::optional<std::chrono::microseconds> interval_;
};

}  // namespace pgstow
