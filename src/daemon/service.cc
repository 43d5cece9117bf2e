#include "daemon/service.h"

#include <malloc.h>

#include <algorithm>
#include <map>
#include <stop_token>
#include <utility>

#include "backup/jobs.h"
#include "base/error.h"
#include "base/text.h"
#include "daemon/background.h"
#include "daemon/verdict.h"

namespace pgstow {
namespace {

constexpr std::chrono::seconds kLockPause{5};
constexpr std::chrono::hours kToldAgain{24};
constexpr std::chrono::minutes kRestart{2};
constexpr std::chrono::minutes kMostStill{2};

class Service {
 public:
  Service(const ServiceSettings& settings, const ServiceParts& parts, const Context& context)
      : settings_(settings), parts_(parts), context_(context), began_(context.clock.now()) {}

  void begin();
  std::optional<Plan> await_due();
  void carry_out(const Plan& plan);

 private:
  Plan plan() const;
  void alive() const;
  Time now() const { return context_.clock.now(); }
  JobDone make_patiently(Time due, const Context& context, Progress& progress) const;
  void attend(Background& work, const std::function<void()>& meanwhile);
  bool reload_wanted();
  void good(const Plan& plan, const JobDone& done);
  void note_missed(const JobDone& done);
  void failed(const Plan& plan, JobReport& report, const Error& e);
  void handle_until(Time due);
  void deliver();
  void delivered();
  bool everywhere() const;
  void watch_age();
  void tell_obstacle();
  void look();
  Standing standing() const;
  void show();
  void show_job(Time started, double fraction, bool begins);

  const ServiceSettings& settings_;
  const ServiceParts& parts_;
  const Context& context_;
  const Time began_;
  State state_;
  Time handled_ = {};
  std::optional<Failure> failure_;
  std::optional<Failure> missed_;  // by a store: the last delivery there
  std::vector<StoreStanding> stores_;
  std::vector<DatabaseStanding> databases_;
  bool reload_ = false;  // asked for while a job was running
  Outlook outlook_{parts_.look_ahead, context_};
};

// What the stores hold now goes before what was remembered, as far as all could be asked.
void Service::look() {
  Look look;
  Background looking([&] { look = parts_.look(state_.server); });
  attend(looking, [] {});  // a store that hangs must not make us look dead
  looking.take();
  stores_ = look.stores;
  databases_ = look.databases;
  const bool newer =
      look.newest && (!state_.last_good || look.newest->time > state_.last_good->time);
  std::map<std::string, Time> lacking =
      still_lacking(state_.lacking, databases_, look.all_databases, now());
  if (!newer && !look.complete && lacking == state_.lacking) return;
  state_ = parts_.state.change(
      [&](State& state) {
        state.lacking = std::move(lacking);
        if (!newer && !look.complete) return;
        state.last_good = look.newest;
        if (look.newest) state.server = look.server;
      },
      context_);
}

void Service::begin() {
  state_ = parts_.state.read(context_);
  look();
  // A database without any gets its first one now, as a single one does.
  const std::optional<Time> newest = state_.last_good && state_.lacking.empty()
                                         ? std::optional(state_.last_good->time)
                                         : std::nullopt;
  handled_ = handled_at_start(settings_.schedules, newest, settings_.catch_up, now());
  // What became due while we were started anew was not missed.
  if (!settings_.catch_up && state_.handled) {
    handled_ = std::max(*state_.handled, now() - kRestart);
  }
  // A store that missed the last backup is not told of here, but notes beside the backup are.
  if (const auto& job = state_.last_job; job && job->kind == Event::Kind::kIncomplete) {
    missed_ = Failure{.ended = job->ended};
  }
  show();
}

Plan Service::plan() const {
  return plan_next(settings_.schedules,
                   {.now = now(), .handled = handled_, .failure = failure_, .began = began_});
}

// The plan is made anew at each tick: the clock may have jumped.
std::optional<Plan> Service::await_due() {
  Time told = {};
  for (;;) {
    alive();
    if (context_.stop.stop_requested() || reload_wanted()) return std::nullopt;
    handled_ = believable(settings_.schedules, handled_, now());
    watch_age();
    tell_obstacle();
    const Plan next = plan();
    if (next.at <= now()) return next;
    const Time delivery = missed_ ? retry_at(*missed_, now()) : next.at;
    if (delivery <= now()) {
      deliver();
      continue;
    }
    if (next.at != told) {
      context_.log.info("next backup", {{"at", local_time(next.at)}});
      told = next.at;
      show();
    }
    try {
      const auto wait = std::min(next.at, delivery) - now();
      context_.clock.sleep(std::min<std::chrono::milliseconds>(wait, settings_.tick),
                           context_.stop);
    } catch (const Cancelled&) {
      return std::nullopt;
    }
  }
}

// While another run, of this host or another one, makes it: waits, and finds that it is made.
JobDone Service::make_patiently(Time due, const Context& context, Progress& progress) const {
  Job job = settings_.job;
  job.backup.covering_from = covering_from(settings_.schedules, due);
  const Time until = next_of(settings_.schedules, std::chrono::floor<std::chrono::seconds>(now()));
  std::optional<JobDone> earlier;  // of tries that made some of several databases
  const auto with_earlier = [&](JobDone done) {
    if (earlier) add_earlier_try(done, *earlier);
    return done;
  };
  for (bool told = false;; told = true) {
    const auto tell = [&](const Error& e) {
      if (!told) context.log.info("another run is at work: waiting for it", {{"cause", e.what()}});
    };
    const bool last = now() + kLockPause >= until;
    try {
      return with_earlier(parts_.make(job, context, progress));
    } catch (const Locked& e) {
      if (last) throw;
      tell(e);
    } catch (const SomeFailed& e) {
      earlier = with_earlier(e.good());
      if (last || !e.only_locked()) {
        throw SomeFailed(e.what(), e.hint(), *earlier, e.only_locked());
      }
      tell(e);
    }
    context.clock.sleep(kLockPause, context.stop);
  }
}

void Service::attend(Background& work, const std::function<void()>& meanwhile) {
  const auto tick = std::min<std::chrono::milliseconds>(settings_.tick, std::chrono::seconds(1));
  while (!work.ended_within(tick)) {
    alive();
    meanwhile();
  }
}

void Service::alive() const {
  parts_.alive();
  parts_.board.tick();
}

bool Service::reload_wanted() {
  if (!reload_) reload_ = parts_.reload();
  return reload_;
}

void Service::carry_out(const Plan& plan) {
  if (plan.why == Plan::Why::kMissed) {
    context_.log.info("a backup was missed: making it now", {{"due", local_time(plan.due)}});
  }
  JobReport report(parts_.state, settings_.database, parts_.tell, context_);
  const Time started = now();
  show_job(started, -1, true);
  WatchedProgress progress;
  std::optional<JobDone> made;
  Background job([&] { made = make_patiently(plan.due, report.context(), progress); });
  attend(job, [&] {
    watch_age();
    if (!reload_ && reload_wanted()) context_.log.info("new settings count after this backup");
    show_job(started, progress.state().fraction, false);
  });
  try {
    job.take();
    const JobDone& done = *made;
    good(plan, done);
    report.succeeded(done, this->plan().at);
  } catch (const Cancelled&) {
    context_.log.info("the backup was stopped");
    return;
  } catch (const SomeFailed& e) {
    failed(plan, report, e);
    note_missed(e.good());
  } catch (const Error& e) {
    failed(plan, report, e);
  } catch (const std::exception& e) {  // out of memory, a bug: told like any other failure
    failed(plan, report, Error(e.what()));
  }
  state_ = parts_.state.read(context_);
  look();
  show();
  // Each job has threads of its own; what their heaps keep would add up to megabytes.
  static_cast<void>(::malloc_trim(0));
}

// Those that were due while it was made are done with: their backup would be as old as this one.
void Service::good(const Plan& plan, const JobDone& done) {
  failure_.reset();
  note_missed(done);
  const auto passed = newest_due(settings_.schedules, plan.due, now());
  if (passed && plan.why == Plan::Why::kDue) {
    context_.log.warning("the backup took longer than the schedule's interval",
                         {{"passed_by", local_time(*passed)}});
  }
  handle_until(passed.value_or(plan.due));
}

void Service::note_missed(const JobDone& done) {
  missed_.reset();
  if (done.made.failures.empty() && done.made.undelivered.empty()) return;
  missed_ = Failure{.ended = now()};
}

void Service::failed(const Plan& plan, JobReport& report, const Error& e) {
  const unsigned in_a_row = failure_ ? failure_->in_a_row + 1 : 1;
  failure_ = Failure{.due = plan.due, .ended = now(), .in_a_row = in_a_row};
  handle_until(plan.due);
  const Plan next = this->plan();
  report.context().log.error(e.what(), {{"hint", e.hint()}, {"next", local_time(next.at)}});
  report.failed(e, next.at);
}

void Service::handle_until(Time due) {
  handled_ = std::max(handled_, due);
  state_ = parts_.state.change([&](State& state) { state.handled = handled_; }, context_);
}

// The next job would do it, too; but that may be a day away. A job that is due does not wait for
// it.
void Service::deliver() {
  WatchedProgress progress;
  std::vector<StoreFailure> failures;
  std::stop_source enough;
  const std::stop_callback on_stop(context_.stop, [&] { enough.request_stop(); });
  const Context context{.log = context_.log, .clock = context_.clock, .stop = enough.get_token()};
  Background work([&] { failures = parts_.deliver(context, progress); });
  attend(work, [&] {
    watch_age();
    // While a failed job is tried again and again, a delivery may be what saves the newest backup.
    const Plan next = plan();
    if (next.at <= now() && next.why != Plan::Why::kRetry) enough.request_stop();
  });
  try {
    work.take();
  } catch (const Cancelled&) {
    if (!context_.stop.stop_requested()) {
      context_.log.info("what a store misses waits for the backup that is due");
    }
    return;
  } catch (const std::exception& e) {
    failures.push_back({.store = "stores", .problem = e.what(), .hint = {}});
  }
  if (failures.empty()) return delivered();
  missed_ = Failure{.ended = now(), .in_a_row = missed_->in_a_row + 1};
  context_.log.info(
      "a store still misses what it was to get",
      {{"store", failures.front().store}, {"next_try", local_time(retry_at(*missed_, now()))}});
}

// That nothing was left to deliver does not say so: a note of what is missing may be lost.
bool Service::everywhere() const {
  const Standing standing = this->standing();
  return std::ranges::all_of(parts_.stores.delivering(), [&](const Store* store) {
    const auto found = std::ranges::find(stores_, store->name(), &StoreStanding::name);
    return found != stores_.end() && found->reachable && !misses_newest(standing, *found);
  });
}

void Service::delivered() {
  missed_.reset();
  look();
  const bool whole = state_.last_job && state_.last_job->kind == Event::Kind::kIncomplete &&
                     !state_.last_job->lasting && state_.last_good;
  if (!whole || !everywhere()) return show();
  state_ = parts_.state.change([](State& state) { state.bad = false; }, context_);
  context_.log.info("every store has the newest backup now");
  Event event = event_now(Event::Kind::kRecovered, settings_.database, context_);
  event.run_id = state_.last_job->run_id;
  event.backup = state_.last_good->key;
  event.bytes = state_.last_good->bytes;
  event.raw_bytes = state_.last_good->raw_bytes;
  event.rows = state_.last_good->rows;
  event.duration = state_.last_good->duration;
  for (const Store* store : parts_.stores.delivering()) event.stores.push_back(store->name());
  event.last_good = state_.last_good->time;
  event.next_run = plan().at;
  parts_.tell(event);
  show();
}

// Told once, and again every day.
void Service::watch_age() {
  const Time from = stale_from(settings_.schedules, age_reference(state_));
  if (now() < from) return;
  if (state_.stale_told && now() - *state_.stale_told < kToldAgain && *state_.stale_told <= now()) {
    return;
  }
  Event event = event_now(Event::Kind::kStale, settings_.database, context_);
  event.error = stale_text(state_);
  event.hint = "`pgstow status` and the log tell why";
  if (state_.last_good) event.last_good = state_.last_good->time;
  event.next_run = plan().at;
  state_ = parts_.state.change(
      [&](State& state) {
        state.stale_told = now();
        state.bad = true;
      },
      context_);
  context_.log.error(event.error, {{"hint", event.hint}});
  parts_.tell(event);
  show();
}

// The next run would fail, and tell the same: perhaps at three in the morning.
void Service::tell_obstacle() {
  const std::optional<Obstacle> obstacle = outlook_.take();
  if (!obstacle) return;
  const Time at = plan().at;
  context_.log.error("no backup can be made as things are",
                     {{"cause", obstacle->text}, {"hint", obstacle->hint}});
  Event event = event_now(Event::Kind::kFailed, settings_.database, context_);
  event.error = std::string("no backup can be made as things are: ") + obstacle->text;
  event.hint = obstacle->hint;
  event.exit_code = obstacle->exit_code;
  if (state_.last_good) event.last_good = state_.last_good->time;
  event.next_run = at;
  // A service that is started again and again tells it once a day.
  event.repeated = state_.bad && state_.failed_told && *state_.failed_told <= now() &&
                   now() - *state_.failed_told < kToldAgain;
  state_ = parts_.state.change(
      [&](State& state) {
        state.bad = true;
        if (!event.repeated) state.failed_told = event.time;
      },
      context_);
  parts_.tell(event);
  show();
}

Standing Service::standing() const {
  Standing standing = standing_of(state_, settings_.database, settings_.schedules, now());
  standing.service_started = began_;
  standing.next_run = plan().at;
  standing.stores = stores_;
  standing.databases = databases_;
  return standing;
}

void Service::show() {
  const Standing now = standing();
  parts_.board.put(now);
  parts_.changed(now);
}

void Service::show_job(Time started, double fraction, bool begins) {
  Standing now = standing();
  now.job_started = started;
  now.job_fraction = fraction;
  parts_.board.put(now);
  if (begins) parts_.changed(now);
}

}  // namespace

void StandingBoard::put(Standing standing) {
  const std::scoped_lock lock(mutex_);
  standing_ = std::move(standing);
}

Standing StandingBoard::get(Time now) const {
  const std::scoped_lock lock(mutex_);
  Standing standing = standing_;
  standing.now = now;
  standing.moves = std::chrono::steady_clock::now() - ticked_ < kMostStill;
  return standing;
}

void StandingBoard::tick() {
  const std::scoped_lock lock(mutex_);
  ticked_ = std::chrono::steady_clock::now();
}

ServiceEnd run_service(const ServiceSettings& settings, const ServiceParts& parts,
                       const Context& context) {
  try {
    Service service(settings, parts, context);
    service.begin();
    while (const std::optional<Plan> plan = service.await_due()) service.carry_out(*plan);
  } catch (const Cancelled&) {  // a stop while the stores were looked into
    if (!context.stop.stop_requested()) throw;
  }
  return context.stop.stop_requested() ? ServiceEnd::kStopped : ServiceEnd::kReload;
}

}  // namespace pgstow
