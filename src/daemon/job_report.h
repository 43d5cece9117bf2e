// What becomes of a job is remembered and told: the same for the service and for a single run.
#pragma once

#include <functional>
#include <string>

#include "backup/job.h"
#include "base/context.h"
#include "base/error.h"
#include "base/log_tail.h"
#include "daemon/event.h"
#include "daemon/state.h"

namespace pgstow {

// Hands an event on to whoever is to be told; neither waits nor throws.
using Tell = std::function<void(const Event&)>;

// One job, from its start to its end. The arguments are lent for its life.
class JobReport {
 public:
  // Tells that it has begun.
  JobReport(StateFile& file, std::string database, Tell tell, const Context& context);

  // What the job is to run with: the same, and its log is kept for the event.
  const Context& context() const { return job_context_; }

  // It has ended: remembers and tells it. Only one of these is called; neither is where a stop
  // ended the job, which says nothing of backups. Returns the event that was told.
  Event succeeded(const JobDone& done, std::optional<Time> next_run);
  // SomeFailed is told with what the others have, and what their stores lack.
  Event failed(const Error& e, std::optional<Time> next_run);

 private:
  Event ended(Event::Kind kind) const;
  Event remember_and_tell(Event event, const std::function<void(State&)>& also);

  StateFile& file_;
  const std::string run_id_ = new_run_id();
  const std::string database_;
  const Tell tell_;
  const Context& context_;
  LogTail tail_;
  const Log log_;
  const Context job_context_;
  const Time started_;
};

// An event of this host, now.
Event event_now(Event::Kind kind, const std::string& database, const Context& context);

}  // namespace pgstow
