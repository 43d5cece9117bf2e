// Signals as a request to stop: SIGINT, SIGTERM and SIGHUP are blocked in every thread and taken by
// one that waits for them.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace pgstow {

// To be made once, before any other thread. The first signal asks for a stop; the second ends the
// process at once with 128 + its number. SIGPIPE and SIGXFSZ are ignored: writes report them.
class StopOnSignal {
 public:
  // What SIGHUP asks for: a stop, like the others; or that a service reads its settings anew.
  enum class Hangup { kStops, kReloads };

  explicit StopOnSignal(Hangup hangup = Hangup::kStops);
  StopOnSignal(const StopOnSignal&) = delete;
  ~StopOnSignal();

  std::stop_token token() const { return source_.get_token(); }
  // The signal that asked for the stop; 0 if none did.
  int signal() const { return signal_; }
  // Whether SIGHUP came since the last call, where it does not stop.
  bool take_hangup() { return hung_up_.exchange(false); }

 private:
  void wait();

  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<bool> hung_up_ = false;
  const Hangup hangup_;
  std::jthread thread_;
};

}  // namespace pgstow
