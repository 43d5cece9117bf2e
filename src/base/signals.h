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
  StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  ~StopOnSignal();

  std::stop_token token() const { return source_.get_token(); }
  // The signal that asked for the stop; 0 if none did.
  int signal() const { return signal_; }

 private:
  void wait();

  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> ending_ = false;
  std::jthread thread_;
};

}  // namespace pgstow
