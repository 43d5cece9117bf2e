// The service: waits until a backup is due, has it made in the background, remembers and tells what
// became of it, and says so when none was made for too long.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "backup/job.h"
#include "base/context.h"
#include "daemon/cron.h"
#include "daemon/job_report.h"
#include "daemon/look.h"
#include "daemon/outlook.h"
#include "daemon/plan.h"
#include "daemon/standing.h"
#include "daemon/state.h"

namespace pgstow {

struct ServiceSettings {
  std::string database;
  std::vector<CronSchedule> schedules;  // at least one
  bool catch_up = true;
  Job job;
  // How long it sleeps at most before it looks at the clock and the outside again.
  std::chrono::milliseconds tick{1000};
};

// Makes one backup, and rotates; as run_job.
using MakeBackup = std::function<JobDone(const Job& job, const Context& context, Progress&)>;
// Delivers what stores missed; as deliver_missed.
using Deliver = std::function<std::vector<StoreFailure>(const Context& context, Progress&)>;

// What the stores hold, of the server with this system identifier; as look_into.
using LookAround = std::function<Look(const std::string& server)>;

// The newest standing; thread-safe.
class StandingBoard {
 public:
  void put(Standing standing);
  Standing get(Time now) const;  // as it was put, but for its `now` and `moves`
  void tick();                   // the service's thread is alive

 private:
  mutable std::mutex mutex_;  // guards both below
  Standing standing_;
  std::chrono::steady_clock::time_point ticked_ = std::chrono::steady_clock::now();
};

// What the service needs of the outside; all of it is lent for its run.
struct ServiceParts {
  const Stores& stores;
  StateFile& state;
  StandingBoard& board;
  MakeBackup make;
  Deliver deliver;
  LookAround look;
  Tell tell;
  LookAhead look_ahead = [](const Context&) { return std::nullopt; };  // once, at the start
  std::function<void()> alive = [] {};                                 // at every tick
  std::function<bool()> reload = [] { return false; };  // whether it is to end for a reload
  std::function<void(const Standing&)> changed = [](const Standing&) {};  // after each job
};

enum class ServiceEnd { kStopped, kReload };

// Runs until the context's stop, or until a reload is asked for while no job is running. What fails
// meanwhile is told, never thrown.
ServiceEnd run_service(const ServiceSettings& settings, const ServiceParts& parts,
                       const Context& context);

}  // namespace pgstow
