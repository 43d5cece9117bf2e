#include "cli/audience.h"

#include <functional>

#include "backup/config_state.h"
#include "base/error.h"
#include "daemon/http_config.h"
#include "daemon/metrics.h"
#include "daemon/notify_config.h"
#include "daemon/service_config.h"
#include "store/lock.h"

namespace pgstow::cli {
namespace {

// Long enough for a try and another one; a service manager waits ten seconds in all.
constexpr std::chrono::seconds kLastWords{5};

std::filesystem::path metrics_file(const Session& session) {
  try {
    return read_metrics_file(session.config.settings);
  } catch (const ConfigError& e) {
    session.context.log.warning(e.what(), {{"hint", e.hint()}});
    return {};
  }
}

std::vector<CronSchedule> schedules(const Session& session) {
  try {
    return read_schedules(session.config);
  } catch (const ConfigError& e) {  // a single run needs none
    session.context.log.warning(e.what(), {{"hint", e.hint()}});
    return {};
  }
}

// For node_exporter, after a single run. Where a service runs, the file is its own: it knows more.
// The job has its end already, so nothing that goes wrong here is the job's.
void show_standing(const Session& session, const Audience& audience, const StateFile& file,
                   const std::string& database, const ToldJob& told) {
  if (!audience.has_metrics_file()) return;
  try {
    if (holder_of_lock(file.folder(), service_lock_name(database))) return;
    const State state = file.read(session.context);
    Standing standing =
        standing_of(state, database, schedules(session), session.context.clock.now());
    const Look look = told.look(state.server);
    standing.stores = look.stores;
    standing.databases = look.databases;
    audience.show(standing);
  } catch (const Error& e) {
    session.context.log.warning("the file of metrics is not brought up to date",
                                {{"cause", e.what()}});
  }
}

// A failure is told and shown, and thrown on.
JobDone run_reported(const ToldJob& told, JobReport& report, const std::function<void()>& show) {
  try {
    return told.make(report.context());
  } catch (const Cancelled&) {
    throw;
  } catch (const Locked&) {  // a backup is being made
    throw;
  } catch (const Error& e) {
    report.failed(e, std::nullopt);
    show();
    throw;
  } catch (const std::exception& e) {
    report.failed(Error(e.what()), std::nullopt);
    show();
    throw;
  }
}

}  // namespace

Audience::Audience(const Session& session, StateFile& state)
    : session_(session), state_(state), metrics_file_(metrics_file(session)) {
  auto notifiers = notifiers_of_job(session.config, session.context.log);
  notifiers_ = notifiers.size();
  const bool bad = notifiers_ > 0 && state.read(session.context).bad;
  announcer_ = std::make_unique<Announcer>(std::move(notifiers), bad, session.context.log,
                                           session.context.clock);
}

Audience::~Audience() {
  // Not our stop: it has been asked for when the service ends, and its last words count.
  announcer_->finish(kLastWords, {});
  const std::uint64_t failed = announcer_->failed();
  if (failed == 0) return;
  state_.change(
      [failed](State& state) {
        state.notifications_failed += failed;
        state.failed_told.reset();  // somebody may not know of it yet
      },
      session_.context);
}

Standing Audience::counted(Standing standing) const {
  standing.notifications_failed += announcer_->failed();
  return standing;
}

void Audience::show(const Standing& standing) const {
  if (metrics_file_.empty()) return;
  try {
    write_metrics_file(metrics_file_, metrics_text(counted(standing)));
  } catch (const Error& e) {
    session_.context.log.warning("the file of metrics can't be written", {{"cause", e.what()}});
  }
}

JobDone run_told_job(const Session& session, const ToldJob& told) {
  const Context& context = session.context;
  const std::string database = database_of(session);
  StateFile file(state_folder(session.config), database);
  Audience audience(session, file);
  std::error_code ignored;  // what can't be looked at is not there
  if (!audience.anybody() && !std::filesystem::is_directory(file.folder(), ignored)) {
    return told.make(context);
  }
  JobReport report(file, database, [&](const Event& event) { audience.tell(event); }, context);
  const auto show = [&] { show_standing(session, audience, file, database, told); };
  const JobDone done = run_reported(told, report, show);
  report.succeeded(done, std::nullopt);
  show();
  return done;
}

}  // namespace pgstow::cli
