#include "backup/restore.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "backup/fill.h"
#include "backup/part.h"
#include "backup/read_once.h"
#include "backup/restore_checks.h"
#include "backup/restore_roles.h"
#include "backup/swap.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/transaction.h"

namespace pgstow {
namespace {

// Whoever said yes to the plan did so to what it would replace.
void refuse_changed(pg::Connection& maintenance, const RestorePlan& plan) {
  if (pg::database_exists(maintenance, plan.database) == plan.exists) return;
  throw Error(fmt::format("database {} has {} since the restore was planned",
                          printable(plan.database), plan.exists ? "gone" : "appeared"),
              "look what happened, and start the restore again");
}

// All that the steps of one restore share; lent for the run.
struct Run : Filling {
  const RestorePlan& plan;
};

// A new database that is dropped again unless it is kept.
class NewDatabase {
 public:
  NewDatabase(pg::Connection& maintenance, std::string name, const Context& context)
      : maintenance_(maintenance), name_(std::move(name)), context_(context) {}
  NewDatabase(const NewDatabase&) = delete;
  NewDatabase& operator=(const NewDatabase&) = delete;
  ~NewDatabase() {
    if (kept_) return;
    try {  // a session of its own: the job may end because of a stop, which must not stop this
      pg::Connection session = pg::another_maintenance(maintenance_);
      pg::drop_half_made(session, name_);
    } catch (const Error& e) {
      context_.log.warning("the half-made database could not be dropped; the next restore will",
                           {{"database", name_}, {"cause", e.what()}});
    }
  }

  const std::string& name() const { return name_; }
  void keep() { kept_ = true; }

 private:
  pg::Connection& maintenance_;
  std::string name_;
  const Context& context_;
  bool kept_ = false;
};

// The restore is done when this is called: what can't be dropped, or a stop, must not fail it.
// Returns what is still there.
std::vector<std::string> drop_older(const Run& run) {
  std::vector<std::string> left;
  for (const std::string& name : run.plan.kept) {
    try {
      check_stop(run.context.stop);
      pg::drop_database(run.maintenance, name);
      run.context.log.info("dropped", {{"database", name}});
    } catch (const Error& e) {
      run.context.log.warning("a database kept by an earlier restore could not be dropped",
                              {{"database", name}, {"cause", e.what()}});
      left.push_back(name);
    }
  }
  return left;
}

// Puts the proven database in place. Older kept ones go only when one is kept instead.
void swap(const Run& run, NewDatabase& fresh, Restored& restored) {
  restored.before = put_in_place(run.maintenance, fresh.name(), run.plan.database, run.context);
  fresh.keep();
  run.context.log.info("swapped", {{"database", run.plan.database},
                                   {"before", restored.before.empty() ? "none" : restored.before}});
  if (!restored.before.empty()) restored.not_dropped = drop_older(run);
}

// Into a new database that nobody sees under the name before it is proven; then swapped with the
// present one or, with --into, given a name that must be free.
Restored restore_beside(const Run& run) {
  NewDatabase fresh(run.maintenance, pg::restoring_name(run.plan.database, run.context.clock.now()),
                    run.context);
  pg::create_database(run.maintenance, run.verified.archive, fresh.name(), create_options(run.job));
  const std::unique_ptr<Source> object = run.open();
  Restored restored{.database = run.plan.database,
                    .before = {},
                    .comparison = fill_database(run, *object, fresh.name())};
  // From here the new database is proven; the present one has not been touched.
  try {
    if (run.job.mode == RestoreMode::kInto) {
      rename_or_find_out(
          run.maintenance, {{.from = fresh.name(), .to = run.plan.database}}, run.context.stop,
          fmt::format("if there is a database {} now, it is whole", printable(run.plan.database)),
          run.context);
      fresh.keep();
    } else {
      swap(run, fresh, restored);
    }
  } catch (const pg::OutcomeUnknown&) {
    fresh.keep();  // whatever it is by now
    throw;
  }
  return restored;
}

// What a failure between the drop and the end of a restore in place has done to the database.
std::string harm_to(const Run& run, bool dropped) {
  if (!dropped) {
    try {  // the session of the job may be what failed
      pg::Connection session = pg::another_maintenance(run.maintenance);
      if (pg::database_exists(session, run.plan.database) &&
          !pg::is_invalid(session, run.plan.database)) {
        return fmt::format("database {} could not be dropped and is as it was", run.plan.database);
      }
    } catch (const Error&) {
      return fmt::format("database {} is perhaps dropped; look, and restore it again",
                         run.plan.database);
    }
  }
  return fmt::format("database {} was dropped and is not restored completely; restore it again",
                     run.plan.database);
}

// The new one is made, empty, and the object opened before the present one goes: what can fail
// about its locale, owner or privileges, or about the store, fails while nothing is lost.
Restored restore_in_place(const Run& run) {
  NewDatabase fresh(run.maintenance, pg::restoring_name(run.plan.database, run.context.clock.now()),
                    run.context);
  pg::create_database(run.maintenance, run.verified.archive, fresh.name(), create_options(run.job));
  const std::unique_ptr<Source> object = run.open();
  check_stop(run.context.stop);
  run.context.log.warning("dropping the present database", {{"database", run.plan.database}});
  bool dropped = false;
  try {
    pg::drop_database(run.maintenance, run.plan.database);
    dropped = true;
    // Not to be stopped: the present one is gone.
    rename_or_find_out(run.maintenance, {{.from = fresh.name(), .to = run.plan.database}}, {},
                       "restore it again", run.context);
    fresh.keep();
    return {.database = run.plan.database,
            .before = {},
            .comparison = fill_database(run, *object, run.plan.database)};
  } catch (Error& e) {
    e.within(harm_to(run, dropped));
    throw;
  }
}

// What a restore has when it begins; lent for the run.
struct Beginning {
  const RestoreJob& job;
  const RestorePlan& plan;
  const Backup& backup;
  const Context& context;
  Progress& progress;
  const pg::Access& access;
  pg::Connection& maintenance;
};

// From a copy of which is known what it holds, or has to.
Restored restore_from(const Beginning& beginning, const SoundCopy& copy) {
  const auto& [job, plan, backup, context, progress, access, maintenance] = beginning;
  check_archive(job, backup, copy.verified, plan.database);
  if (job.create_roles) create_missing_roles(maintenance, backup, context);
  const Verified part = job.tables.empty() ? Verified() : only_tables(copy.verified, job.tables);
  const Verified& verified = job.tables.empty() ? copy.verified : part;
  const pg::Tool pg_restore =
      check_server(maintenance, job, verified.archive, access.runner(), context);
  check_replaceable(maintenance, job, plan.database);
  for (const std::string& name : pg::half_made_databases(maintenance, plan.database)) {
    pg::drop_half_made(maintenance, name);
    context.log.info("dropped what a dead restore left behind", {{"database", name}});
  }
  const Run run{{.job = job,
                 .store = *copy.store,
                 .backup = backup,
                 .context = context,
                 .progress = progress,
                 .maintenance = maintenance,
                 .verified = verified,
                 .open = copy.open,
                 .pg_restore = pg_restore,
                 .when_proven = copy.when_proven},
                plan};
  return job.mode == RestoreMode::kInPlace ? restore_in_place(run) : restore_beside(run);
}

// Every byte that is needed is read and found sound before anything is made or dropped.
Restored restore_verified(const Beginning& beginning) {
  const auto& [job, plan, backup, context, progress, access, maintenance] = beginning;
  const SoundCopy copy = job.tables.empty()
                             ? find_whole_copy(backup, job.jobs, context, progress)
                             : find_tables_copy(backup, job.tables, job.jobs, context, progress);
  tell_of_sound(*copy.store, backup, context);
  return restore_from(beginning, copy);
}

}  // namespace

bool reads_once(const RestoreJob& job, const Backup& backup) {
  return backup.manifest && job.mode != RestoreMode::kInPlace && job.tables.empty() &&
         !job.create_roles;  // they would stay
}

RestorePlan plan_restore(const RestoreJob& job, const Context& context) {
  const pg::Access access = pg::Access::open(job.place, context);
  pg::Connection maintenance = open_maintenance(access, job, context);
  RestorePlan plan;
  plan.target = target_database(access);
  plan.database = job.mode == RestoreMode::kInto ? job.into : plan.target;
  refuse_system_databases(plan.database);
  if (plan.database.size() > pg::kMaxName) {
    throw ConfigError(fmt::format("the database's name has {} bytes; PostgreSQL keeps only {}",
                                  plan.database.size(), pg::kMaxName));
  }
  plan.exists = pg::database_exists(maintenance, plan.database);
  plan.system_identifier = pg::server_facts(maintenance).system_identifier;
  if (job.mode == RestoreMode::kInto && plan.exists) {
    throw Exists("database " + printable(plan.database) + " exists already",
                 "--into wants a name that is free");
  }
  plan.half_made = pg::half_made_databases(maintenance, plan.database);
  if (job.mode == RestoreMode::kSwap && plan.exists) {
    plan.kept = pg::kept_databases(maintenance, plan.database);
  }
  return plan;
}

Restored run_restore(const RestoreJob& job, const RestorePlan& plan, const Backup& backup,
                     const Context& context, Progress& progress) {
  const pg::Access access = pg::Access::open(job.place, context);
  pg::Connection maintenance = open_maintenance(access, job, context);
  pg::lock_restore(maintenance, plan.database);
  refuse_changed(maintenance, plan);
  context.log.info("Starting database restore...",
                   {{"backup", backup.store().location(backup.key)}, {"database", plan.database}});
  warn_of_other_database(job, backup, plan.database, context);

  const Beginning beginning{job, plan, backup, context, progress, access, maintenance};
  Restored restored = reads_once(job, backup)
                          ? restore_reading_once(backup, job.jobs, context, progress,
                                                 [&](const SoundCopy& copy) {
                                                   return restore_from(beginning, copy);
                                                 })
                          : restore_verified(beginning);
  context.log.info("Restore completed successfully", {{"database", restored.database}});
  return restored;
}

}  // namespace pgstow
