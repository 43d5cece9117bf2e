// pgstow run: the service, in the foreground.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "backup/config_state.h"
#include "backup/readiness.h"
#include "backup/sync.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/databases.h"
#include "cli/service_check.h"
#include "daemon/http_server.h"
#include "daemon/service.h"
#include "daemon/service_config.h"
#include "daemon/supervisor.h"
#include "store/local.h"
#include "store/lock.h"

namespace pgstow::cli {
namespace {

constexpr std::chrono::milliseconds kTick{1000};

ServiceSettings service_settings(const Session& session, const Supervisor& supervisor) {
  ServiceSettings settings{.database = database_of(session),
                           .schedules = read_schedules(session.config),
                           .catch_up = read_bool(session.config.settings, "BACKUP_CATCH_UP"),
                           .job = job(session.config),
                           .tick = kTick};
  if (const auto watched = supervisor.watchdog_interval()) {
    const auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(*watched);
    settings.tick = std::clamp(interval, std::chrono::milliseconds(10), kTick);
  }
  return settings;
}

// Settings that are wrong are refused as long as the old ones still work.
bool may_reload(const Session& session) {
  if (!session.signals.take_hangup()) return false;
  try {
    run_self(session.startup, {"run", "--check", "--database-is=" + database_of(session)});
    return true;
  } catch (const Error& e) {
    session.context.log.error("the new configuration is wrong, the old one stays",
                              {{"cause", e.what()}});
    return false;
  }
}

// sd_notify(3): "RELOADING=1" goes with the time at which it began.
std::string reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000);
}

std::string status_line(const Standing& standing) {
  return fmt::format("STATUS={}; last good backup {}",
                     standing.next_run ? "next backup " + local_time(*standing.next_run) : "idle",
                     standing.last_good ? local_time(standing.last_good->time) : "none");
}

FileLock lock_service(const std::filesystem::path& folder, const std::string& database,
                      const Context& context) {
  return FileLock::acquire(folder, service_lock_name(database),
                           "the service of " + printable(database),
                           lock_holder(context.clock.now(), "run"));
}

// A port that is taken must not keep backups from being made.
std::unique_ptr<HttpServer> answer(const HttpSettings& settings, const StandingBoard& board,
                                   const Audience& audience, const Context& context) {
  if (!settings.listen) return nullptr;
  try {
    return std::make_unique<HttpServer>(
        settings, [&] { return audience.counted(board.get(context.clock.now())); }, context.log);
  } catch (const Error& e) {
    context.log.warning("no metrics and no health by HTTP",
                        {{"cause", e.what()}, {"hint", e.hint()}});
    return nullptr;
  }
}

ServiceEnd serve(const Session& session, const Supervisor& supervisor) {
  const Context& context = session.context;
  const ServiceSettings settings = service_settings(session, supervisor);
  const std::filesystem::path folder = need_state_folder(session.config);
  const FileLock lock = lock_service(folder, settings.database, context);
  LocalStore(folder, "state").clear_leftovers();
  StateFile state(folder, settings.database);
  state.change([](State& s) { s.next_run.reset(); }, context);  // it is planned anew
  StandingBoard board;
  const bool several = session.config.databases.has_value();
  const Stores stores = make_stores(session.config.stores, context);
  Audience audience(session, state);
  Databases databases(session.config, context);
  const auto http = answer(read_http_settings(session.config.settings), board, audience, context);
  context.log.info("the service begins", {{"database", settings.database}});
  supervisor.tell("READY=1");
  return run_service(settings,
                     {.stores = stores,
                      .state = state,
                      .board = board,
                      .make =
                          [&](const Job& job, const Context& c, Progress& progress) {
                            if (!several) return run_job(job, stores, c, progress);
                            return sum_of(databases.run(job.backup.covering_from, c, progress),
                                          settings.database);
                          },
                      .deliver =
                          [&](const Context& c, Progress& progress) {
                            return several ? databases.deliver(c, progress)
                                           : deliver_missed(stores.delivering(), c, progress);
                          },
                      .look =
                          [&](const std::string& server) {
                            return several ? databases.look(server)
                                           : look_into(stores, settings.database, server, context);
                          },
                      .tell = [&](const Event& event) { audience.tell(event); },
                      .look_ahead =
                          [&](const Context& c) {
                            // Of several, each run finds out which there are.
                            return several ? std::nullopt : obstacle_to(settings.job.backup, c);
                          },
                      .alive = [&] { supervisor.alive(); },
                      .reload = [&] { return may_reload(session); },
                      .changed =
                          [&](const Standing& standing) {
                            supervisor.tell(status_line(standing));
                            audience.show(standing);
                          }},
                     context);
}

}  // namespace

int run_service_command(const Session& session) {
  const Supervisor supervisor = Supervisor::of_environment();
  if (session.arguments.check) {
    static_cast<void>(service_settings(session, supervisor));
    static_cast<void>(read_http_settings(session.config.settings));
    check_service(session);
    return 0;
  }
  if (serve(session, supervisor) == ServiceEnd::kReload) {
    session.context.log.info("the service begins anew, with new settings");
    supervisor.tell(reloading());
    become(session.startup, {"run"});
  }
  supervisor.tell("STOPPING=1");
  session.context.log.info("the service has ended");
  return 0;
}

}  // namespace pgstow::cli
