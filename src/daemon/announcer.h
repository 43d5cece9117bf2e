// Tells every notifier what happens, without ever holding up who tells it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "daemon/notifier.h"

namespace pgstow {

// Each notifier has a thread and a queue of its own: one that hangs holds up no other. What could
// not be told is logged and counted. Thread-safe.
class Announcer {
 public:
  // `after_bad`: the last event before this process was a bad one. Log and clock are lent for the
  // Announcer's life. Each queue holds at most `most_queued` events.
  Announcer(std::vector<std::unique_ptr<Notifier>> notifiers, bool after_bad, const Log& log,
            const Clock& clock, std::size_t most_queued = 64);
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;
  // Gives up what has not been told yet.
  ~Announcer();

  // Queues it for every notifier that wants it (a repeated failure also for one that could not tell
  // the last bad news), with what its texts hold of secrets taken out.
  // Returns at once. From a full queue the least important event goes, the oldest of several:
  // beginnings first, then good news; bad news last.
  void tell(Event event) noexcept;

  // Waits until all that was queued is told, at most so long, or until a stop; then gives the rest
  // up. Afterwards nothing more is told. Whether all that ever was to be told was told.
  bool finish(std::chrono::milliseconds at_most, const std::stop_token& stop);

  // Events that a notifier was to be told of, but was not.
  std::uint64_t failed() const { return failed_; }

 private:
  // One notifier. Its notifier is its thread's; the rest is guarded by mutex_.
  struct Line {
    std::unique_ptr<Notifier> notifier;
    std::deque<Event> queue = {};
    bool busy = false;
    bool owes = false;  // it could not tell the last bad news: it is told even if repeated
    std::jthread thread = {};
  };

  void queue(Line& line, const Event& event);
  void work(Line& line, const std::stop_token& stop);
  // Whether it was told.
  bool announce(Notifier& notifier, const Event& event, const std::stop_token& stop);
  void give_up();
  bool idle() const;  // with mutex_ held
  void count(const std::string& problem, const Notifier& notifier, const Event& event,
             const std::string& hint = {});

  const Log& log_;
  const Clock& clock_;
  const std::size_t most_queued_;
  std::atomic<std::uint64_t> failed_ = 0;
  std::mutex mutex_;  // of all below
  std::condition_variable_any changed_;
  bool after_bad_;
  bool over_ = false;
  std::deque<Line> lines_;  // their number and places never change after the constructor
};

}  // namespace pgstow
