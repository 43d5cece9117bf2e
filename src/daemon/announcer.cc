#include "daemon/announcer.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"

namespace pgstow {
namespace {

// What goes first from a full queue.
int importance(Event::Kind kind) {
  if (is_bad(kind)) return 3;
  if (kind == Event::Kind::kRecovered) return 2;
  return kind == Event::Kind::kStarted ? 0 : 1;
}

bool is_end(Event::Kind kind) {
  return kind != Event::Kind::kStarted && kind != Event::Kind::kTest;
}

// They go to other people's servers.
void redact(Event& event, const Log& log) {
  for (std::string* text : {&event.error, &event.hint, &event.log_tail})
    *text = log.redacted(*text);
  for (std::string& warning : event.warnings) warning = log.redacted(warning);
}

}  // namespace

Announcer::Announcer(std::vector<std::unique_ptr<Notifier>> notifiers, bool after_bad,
                     const Log& log, const Clock& clock, std::size_t most_queued)
    : log_(log), clock_(clock), most_queued_(most_queued), after_bad_(after_bad) {
  for (std::unique_ptr<Notifier>& notifier : notifiers) {
    lines_.push_back({.notifier = std::move(notifier)});
  }
  for (Line& line : lines_) {
    line.thread = std::jthread([this, &line](const std::stop_token& stop) { work(line, stop); });
  }
}

Announcer::~Announcer() { give_up(); }

void Announcer::tell(Event event) noexcept {
  try {
    redact(event, log_);
    const std::lock_guard lock(mutex_);
    if (over_) return;
    for (Line& line : lines_) {
      const bool news = !event.repeated || line.owes || line.notifier->wants_repeated();
      if (news && line.notifier->wants(event.kind, after_bad_)) queue(line, event);
    }
    if (is_end(event.kind)) after_bad_ = is_bad(event.kind);
  } catch (const std::exception&) {
    ++failed_;  // no memory: there is none to say so with, either
  }
  changed_.notify_all();
}

void Announcer::queue(Line& line, const Event& event) {
  line.queue.push_back(event);
  if (line.queue.size() <= most_queued_) return;
  const auto least = std::ranges::min_element(
      line.queue, {}, [](const Event& queued) { return importance(queued.kind); });
  count("too much is waiting to be told", *line.notifier, *least);
  line.queue.erase(least);
}

void Announcer::work(Line& line, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !line.queue.empty(); })) {
    const Event event = std::move(line.queue.front());
    line.queue.pop_front();
    line.busy = true;
    lock.unlock();
    const bool told = announce(*line.notifier, event, stop);
    lock.lock();
    if (is_bad(event.kind)) line.owes = !told;
    line.busy = false;
    changed_.notify_all();
    if (stop.stop_requested()) return;
  }
}

bool Announcer::announce(Notifier& notifier, const Event& event, const std::stop_token& stop) {
  try {
    notifier.send(event, {.log = log_, .clock = clock_, .stop = stop});
    log_.info("notified",
              {{"notifier", notifier.name()}, {"event", std::string(to_string(event.kind))}});
    return true;
  } catch (const Error& e) {
    count(e.what(), notifier, event, e.hint());
  } catch (const std::exception& e) {
    count(e.what(), notifier, event);
  }
  return false;
}

void Announcer::count(const std::string& problem, const Notifier& notifier, const Event& event,
                      const std::string& hint) {
  ++failed_;
  Facts facts = {{"notifier", notifier.name()}, {"event", std::string(to_string(event.kind))}};
  if (!hint.empty()) facts.emplace_back("hint", hint);
  log_.warning("not notified: " + problem, facts);
}

bool Announcer::idle() const {
  return std::ranges::all_of(lines_,
                             [](const Line& line) { return line.queue.empty() && !line.busy; });
}

bool Announcer::finish(std::chrono::milliseconds at_most, const std::stop_token& stop) {
  {
    std::unique_lock lock(mutex_);
    over_ = true;
    changed_.wait_for(lock, stop, at_most, [&] { return idle(); });
  }
  give_up();
  return failed_ == 0;
}

// Threads first: afterwards nobody takes anything from the queues.
void Announcer::give_up() {
  for (Line& line : lines_) line.thread.request_stop();
  for (Line& line : lines_) {
    if (line.thread.joinable()) line.thread.join();
  }
  for (Line& line : lines_) {
    for (const Event& event : std::exchange(line.queue, {})) {
      count("there was no time left", *line.notifier, event);
    }
  }
}

}  // namespace pgstow
