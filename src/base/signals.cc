#include "base/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"

namespace pgstow {
namespace {

constexpr int kSignalBase = 128;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited{};
    sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) sigaddset(&set, signal);  // nohup means it
  }
  return set;
}

void set_action(int signal, void (*action)(int)) {
  if (::signal(signal, action) == SIG_ERR) throw_errno("signal");
}

}  // namespace

StopOnSignal::StopOnSignal(Hangup hangup) : hangup_(hangup) {
  set_action(SIGPIPE, SIG_IGN);
  set_action(SIGXFSZ, SIG_IGN);
  set_action(SIGCHLD,
             SIG_DFL);  // inherited as ignored, it would make the system drop exit statuses
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([this] { wait(); });
}

StopOnSignal::~StopOnSignal() {
  ending_ = true;
  // The signal is blocked: it ends no thread, it wakes the one that waits for it.
  pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
}

void StopOnSignal::wait() {
  const sigset_t set = stop_signals();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (ending_) return;
    if (signal == SIGHUP && hangup_ == Hangup::kReloads) {
      hung_up_ = true;
      continue;
    }
    if (signal_ != 0) ::_exit(kSignalBase + signal);
    signal_ = signal;
    source_.request_stop();
  }
}

}  // namespace pgstow
