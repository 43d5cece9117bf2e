#include "daemon/job_report.h"

#include "backup/jobs.h"
#include "backup/newest.h"
#include "base/environment.h"
#include "daemon/look.h"

namespace pgstow {
namespace {

void describe(Event& event, const Made& made) {
  event.backup = made.backup.key;
  event.bytes = made.backup.bytes;
  event.raw_bytes = made.backup.manifest->raw.bytes;
  event.rows = made.backup.manifest->rows();
  for (const Copy& copy : made.backup.copies) event.stores.push_back(copy.store->name());
  event.warnings = made.backup.manifest->warnings;
}

constexpr std::chrono::hours kFailureAgain{24};

// The same failure as that of the last job is news once a day.
bool is_repeated(const State& before, const Event& event) {
  if (event.kind != Event::Kind::kFailed || !before.last_job || !before.failed_told) return false;
  return before.last_job->kind == Event::Kind::kFailed && before.last_job->error == event.error &&
         *before.failed_told <= event.time && event.time - *before.failed_told < kFailureAgain;
}

// Whether there is more to an incomplete job than stores that miss the backup.
bool is_lasting(const JobDone& done) {
  return !done.made.backup.manifest->warnings.empty() ||
         (done.pruned && !(done.pruned->failures.empty() && done.pruned->suspicions.empty()));
}

// What keeps it from being complete; the first one is what people are told in a line.
void add_problems(Event& event, const std::vector<StoreFailure>& failures) {
  for (const StoreFailure& failure : failures) {
    event.warnings.push_back(failure.store + ": " + failure.problem);
    if (event.hint.empty()) event.hint = failure.hint;
  }
}

void add_shortfalls(Event& event, const JobDone& done) {
  add_problems(event, done.made.failures);
  add_problems(event, done.made.undelivered);
  if (!done.pruned) return;
  add_problems(event, done.pruned->failures);
  event.warnings.insert(event.warnings.end(), done.pruned->suspicions.begin(),
                        done.pruned->suspicions.end());
}

void remember_made(State& state, const JobDone& done) {
  const Backup& backup = done.made.backup;
  if (!done.made.by_another) state.own_good = made_at(backup);
  state.server = backup.manifest->system_identifier;
  if (done.pruned) state.removed += static_cast<std::uint64_t>(done.pruned->removed);
}

}  // namespace

Event event_now(Event::Kind kind, const std::string& database, const Context& context) {
  return {.kind = kind, .host = host_name(), .database = database, .time = context.clock.now()};
}

JobReport::JobReport(StateFile& file, std::string database, Tell tell, const Context& context)
    : file_(file),
      database_(std::move(database)),
      tell_(std::move(tell)),
      context_(context),
      log_(context.log, tail_),
      job_context_{.log = log_, .clock = context.clock, .stop = context.stop},
      started_(context.clock.now()) {
  Event event = event_now(Event::Kind::kStarted, database_, context_);
  event.run_id = run_id_;
  tell_(event);
}

Event JobReport::ended(Event::Kind kind) const {
  Event event = event_now(kind, database_, context_);
  event.run_id = run_id_;
  event.log_tail = tail_.text();
  event.duration = event.time - started_;
  return event;
}

Event JobReport::succeeded(const JobDone& done, std::optional<Time> next_run) {
  const bool whole = done.complete();
  Event event = ended(whole ? Event::Kind::kGood : Event::Kind::kIncomplete);
  event.next_run = next_run;
  describe(event, done.made);
  add_shortfalls(event, done);
  if (!whole) {
    event.exit_code = static_cast<int>(Exit::kWarnings);
    event.error = event.warnings.empty() ? "" : context_.log.redacted(event.warnings.front());
  }
  return remember_and_tell(event, [&](State& state) {
    state.last_good = good_backup(done.made.backup);
    remember_made(state, done);
    state.last_job->lasting = is_lasting(done);
    state.failures_in_a_row = 0;
    state.stale_told.reset();
    std::uint64_t& count = done.made.by_another ? state.jobs.elsewhere
                           : whole              ? state.jobs.good
                                                : state.jobs.incomplete;
    ++count;
  });
}

Event JobReport::failed(const Error& e, std::optional<Time> next_run) {
  Event event = ended(Event::Kind::kFailed);
  event.next_run = next_run;
  event.exit_code = e.exit_code();
  event.error = context_.log.redacted(e.what());
  event.hint = context_.log.redacted(e.hint());
  const auto* some = dynamic_cast<const SomeFailed*>(&e);
  if (some != nullptr) {
    describe(event, some->good().made);
    add_shortfalls(event, some->good());
  }
  return remember_and_tell(event, [&](State& state) {
    ++state.failures_in_a_row;
    ++state.jobs.failed;
    if (some != nullptr) remember_made(state, some->good());
  });
}

Event JobReport::remember_and_tell(Event event, const std::function<void(State&)>& also) {
  const auto change = [&](State& state) {
    event.repeated = is_repeated(state, event);
    if (!event.repeated) state.failed_told.reset();
    if (!state.failed_told && event.kind == Event::Kind::kFailed) state.failed_told = event.time;
    if (event.next_run) state.next_run = event.next_run;  // a single run plans nothing
    state.last_job = LastJob{.kind = event.kind,
                             .run_id = run_id_,
                             .started = started_,
                             .ended = event.time,
                             .error = event.error,
                             .hint = event.hint};
    also(state);
  };
  bool was_bad = false;
  const State state = file_.change(
      [&](State& s) {
        was_bad = s.bad;
        change(s);
        s.bad = is_bad(event.kind);
      },
      context_);
  if (was_bad && event.kind == Event::Kind::kGood) event.kind = Event::Kind::kRecovered;
  if (state.last_good) event.last_good = state.last_good->time;
  for (std::string& warning : event.warnings) warning = context_.log.redacted(warning);
  tell_(event);
  return event;
}

}  // namespace pgstow
