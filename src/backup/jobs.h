// The jobs of several databases, one after the other: one that fails does not stop the others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/job.h"
#include "base/context.h"
#include "base/error.h"

namespace pgstow {

// What came of one database's job.
struct DatabaseDone {
  std::string database;
  std::optional<JobDone> done = {};  // nothing: it failed
  std::string problem = {};
  std::string hint = {};
  int exit_code = static_cast<int>(Exit::kOk);  // of its error
};

// Some have their backup, and others do not.
class SomeFailed : public Error {
 public:
  // `good` is the sum of those that have. `only_locked`: another run is making the others'.
  SomeFailed(const std::string& what, const std::string& hint, JobDone good,
             bool only_locked = false)
      : Error(what, hint), good_(std::move(good)), only_locked_(only_locked) {}
  int exit_code() const noexcept override { return static_cast<int>(Exit::kWarnings); }
  const JobDone& good() const { return good_; }
  bool only_locked() const { return only_locked_; }

 private:
  JobDone good_;
  bool only_locked_;
};

// Makes the backup of one database, as run_job.
using MakeOne = std::function<JobDone(const std::string& database, const Context& context)>;

// In that order. Only a stop is thrown.
std::vector<DatabaseDone> run_jobs(const std::vector<std::string>& databases, const MakeOne& make,
                                   const Context& context);

// One record of them all, as if it were of one database with the sums of all of them: with their
// warnings, and what failed in their stores, each with the database's name before it. Throws
// SomeFailed, or Error where all have failed, naming each that has; what another run was already
// making is Locked if that is all there is.
JobDone sum_of(const std::vector<DatabaseDone>& all, const std::string& name);

// A run that was tried again, as another one held some of the databases: what the try before made
// and removed, and the doubts that it had, are this run's, too.
void add_earlier_try(JobDone& done, const JobDone& earlier);

}  // namespace pgstow
