#include "backup/restore.h"

#include <fmt/format.h>

#include <algorithm>

#include "backup/verify.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/database.h"
#include "pg/restore.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/tools.h"
#include "stream/sha256.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;

// The name to be restored, as libpq would work it out: explicit, PGDATABASE, service, or the
// user's. The database itself may not exist, so it can't simply be asked.
std::string target_database(const RestoreJob& job) { return pg::database_name(job.server); }

pg::Connection open_maintenance(const RestoreJob& job, const Context& context) {
  pg::Parameters parameters = job.server;
  const std::string target = target_database(job);
  // The database that is restored can't be the one from which it is dropped and renamed.
  parameters["dbname"] = job.maintenance == target ? "template1" : job.maintenance;
  try {
    return pg::open_maintenance(parameters, context.stop);
  } catch (Error& e) {
    e.within("maintenance database " + parameters["dbname"]);
    throw;
  }
}

void refuse_system_databases(const std::string& name) {
  if (name == "template0" || name == "template1") {
    throw ConfigError("restoring over " + name + " is refused",
                      "name the database to restore, in DATABASE_URL or PGDATABASE");
  }
}

pg::CreateOptions create_options(const RestoreJob& job) {
  return {.no_owner = job.no_owner, .no_privileges = job.no_privileges};
}

// All that the steps of one restore share; lent for the run.
struct Run {
  const RestoreJob& job;
  Store& store;
  const Backup& backup;
  const Context& context;
  Progress& progress;
  pg::Connection& maintenance;
  const std::string& database;  // the name under which the rows will be
  const Verified& verified;
  pg::Tool pg_restore;
};

struct WholeCopy {
  Store* store;
  Verified verified;
};

// The nearest copy whose bytes are sound. A damaged one is passed by as long as there is another;
// verification has noted the damage beside it.
WholeCopy find_whole_copy(const Backup& backup, unsigned jobs, const Context& context,
                          Progress& progress) {
  for (std::size_t i = 0;; ++i) {
    Store* store = backup.copies[i].store;
    try {
      return {.store = store, .verified = run_verify(*store, backup, jobs, context, progress)};
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& e) {
      if (i + 1 == backup.copies.size()) throw;
      context.log.warning("this copy can't be used; trying the next one",
                          {{"store", store->name()}, {"cause", e.what()}});
    }
  }
}

void warn_of_other_database(const Backup& backup, const std::string& target,
                            const Context& context) {
  if (!backup.manifest || backup.database() == target) return;
  context.log.warning("the backup is of another database",
                      {{"backup", backup.database()}, {"target", target}});
}

// What would keep the present database from being renamed or dropped, found out before the long
// work.
void check_replaceable(pg::Connection& maintenance, const RestoreJob& job,
                       const std::string& database) {
  if (job.mode == RestoreMode::kInto) return;
  const std::vector<std::string> obstacles =
      pg::obstacles_to_replacing(maintenance, database, job.mode == RestoreMode::kInPlace);
  if (obstacles.empty()) return;
  throw Error(fmt::format("database {} can't be replaced:\n  {}", printable(database),
                          join(obstacles, "\n  ")),
              "--into NAME restores beside it and replaces nothing");
}

// A backup without a manifest may be anything that somebody put into the folder: a single table, or
// another database.
void check_archive(const RestoreJob& job, const Backup& backup, const Verified& verified,
                   const std::string& database) {
  if (job.mode == RestoreMode::kInto) return;  // nothing is replaced
  if (!pg::holds_database(verified.archive)) {
    throw Error(backup.key + ": an archive of single tables or schemas, not of a database",
                "--into NAME restores it beside the present database");
  }
  if (!verified.proof.complete) {
    throw Error(backup.key +
                    ": its rows are compressed in a way that can't be read here, so they "
                    "could not be compared",
                "--into NAME restores it beside the present database, without a proof");
  }
  if (!backup.manifest && !job.chosen && verified.archive.database != database) {
    throw NotFound(fmt::format("the newest backup, {}, is of database {}", backup.key,
                               printable(verified.archive.database)),
                   "name the backup to restore, by its number in `pgstow list`");
  }
}

// Everything that can be known to fail is found out before anything is made or dropped.
pg::Tool check_server(pg::Connection& maintenance, const RestoreJob& job,
                      const pg::ArchiveHeader& archive, const Context& context) {
  const pg::ServerFacts server = pg::server_facts(maintenance);
  if (server.standby) throw Error("the server is a standby: nothing can be restored there");
  if (!server.can_create_databases) {
    throw Error("role " + server.user + " may not create databases",
                "ALTER ROLE ... CREATEDB, or restore as a superuser");
  }
  const std::vector<std::string> missing =
      pg::missing_on_server(maintenance, archive, create_options(job));
  if (!missing.empty()) {
    throw Error(
        "the backup needs what this server lacks:\n  " + join(missing, "\n  "),
        "create them first; --no-owner restores everything as the present role, --no-privileges "
        "leaves out what was granted to roles");
  }
  pg::Tool tool = pg::find_tool("pg_restore", std::max(pg::needed_major(archive), server.major()),
                                job.pg_bin, context.stop);
  pg::check_restores_into(tool, server.major());
  return tool;
}

// Streams the archive from the store into pg_restore.
void load(const Run& run, const pg::Parameters& server) {
  const std::unique_ptr<Source> object = run.store.open(run.backup.key);
  HashSource stored(*object);
  const std::unique_ptr<Source> unpacked = open_unpacked(stored, Decoder::kFast, run.job.jobs);
  pg::RestoreSink sink({.pg_restore = run.pg_restore,
                        .server = server,
                        .no_owner = run.job.no_owner,
                        .no_privileges = run.job.no_privileges,
                        .stop_at_error = run.job.mode != RestoreMode::kInPlace,
                        .stop = run.context.stop});
  std::vector<char> buffer(kReadBytes);
  ProgressState state{.phase = "loading"};
  while (const std::size_t n = unpacked->read(buffer)) {
    check_stop(run.context.stop);
    sink.write({buffer.data(), n});
    state.bytes += n;
    state.fraction = static_cast<double>(state.bytes) / static_cast<double>(run.verified.raw.bytes);
    run.progress.update(state);
  }
  if (stored.digest() != run.verified.stored.sha256) {
    throw Corrupt(run.store.location(run.backup.key) +
                  ": it changed between verification and loading");
  }
  run.progress.update({.phase = "building indexes and constraints"});
  run.context.log.info("building indexes and constraints");
  sink.finish();
  run.progress.done();
}

// Reads the restored rows back. Throws if a single table differs from the backup's proof.
pg::Comparison prove(const Run& run, const pg::Parameters& server) {
  pg::Connection session = pg::Connection::open(server, run.context.stop);
  ProgressState state{.phase = "proving"};
  state.tables_total = run.verified.proof.tables.size();
  pg::Comparison comparison =
      pg::compare(session, run.verified.archive, run.verified.proof,
                  run.backup.manifest ? run.backup.manifest->settings : pg::SessionSettings{},
                  [&](const std::string& table) {
                    state.table = table;
                    run.progress.update(state);
                    state.tables_done += 1;
                  });
  run.progress.done();
  if (!comparison.differences.empty()) {
    throw Error("the restored database is not equal to the backup:\n  " +
                join(comparison.differences, "\n  "));
  }
  return comparison;
}

// Fills the empty database `name` and proves it.
pg::Comparison fill(const Run& run, const std::string& name) {
  pg::Parameters server = run.maintenance.parameters_for_children();
  server["dbname"] = name;
  run.context.log.info("loading", {{"into", name}});
  load(run, server);
  pg::Comparison comparison = prove(run, server);
  run.context.log.info("proven equal to the backup",
                       {{"tables", std::to_string(comparison.tables)},
                        {"rows", std::to_string(comparison.rows)},
                        {"compared", comparison.digests ? "rows and digests" : "row counts"}});
  return comparison;
}

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

void drop_all(pg::Connection& maintenance, const std::vector<std::string>& names,
              const Context& context) {
  for (const std::string& name : names) {
    pg::drop_database(maintenance, name);
    context.log.info("dropped", {{"database", name}});
  }
}

// The restore is done when this is called: what can't be dropped, or a stop, must not fail it.
void drop_older(pg::Connection& maintenance, const std::vector<std::string>& names,
                const Context& context) {
  try {
    drop_all(maintenance, names, context);
  } catch (const Error& e) {
    context.log.warning("a database kept by an earlier restore could not be dropped",
                        {{"cause", e.what()}});
  }
}

// A name to keep the present database under that no database has: a second undo within one second
// needs the next one.
std::string free_before_name(pg::Connection& maintenance, const std::string& database,
                             const Context& context) {
  Time time = context.clock.now();
  while (pg::database_exists(maintenance, pg::before_name(database, time))) {
    time += std::chrono::seconds(1);
  }
  return pg::before_name(database, time);
}

// Does the renamings. When the connection broke in their midst, a new one tells whether they were
// done.
void rename_or_find_out(pg::Connection& maintenance, const std::vector<pg::Rename>& renames,
                        const std::stop_token& stop) {
  try {
    pg::rename_databases(maintenance, renames, stop);
  } catch (const Transient&) {
    pg::Connection session = pg::another_maintenance(maintenance);
    if (pg::database_exists(session, renames.back().from)) throw;
  }
}

// Puts the proven database in place and returns where the present one is kept.
std::string swap(pg::Connection& maintenance, const std::string& database, NewDatabase& fresh,
                 const Context& context) {
  const std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  std::string before;
  std::vector<pg::Rename> renames;
  if (pg::database_exists(maintenance, database)) {
    before = free_before_name(maintenance, database, context);
    renames.push_back({.from = database, .to = before});
  }
  renames.push_back({.from = fresh.name(), .to = database});
  rename_or_find_out(maintenance, renames, context.stop);
  fresh.keep();
  context.log.info("swapped",
                   {{"database", database}, {"before", before.empty() ? "none" : before}});
  drop_older(maintenance, kept, context);
  return before;
}

// Into a new database that nobody sees under the name before it is proven; then swapped with the
// present one or, with --into, given a name that must be free.
Restored restore_beside(const Run& run) {
  NewDatabase fresh(run.maintenance, pg::restoring_name(run.database, run.context.clock.now()),
                    run.context);
  pg::create_database(run.maintenance, run.verified.archive, fresh.name(), create_options(run.job));
  Restored restored{.database = run.database, .before = {}, .comparison = fill(run, fresh.name())};
  // From here the new database is proven; the present one has not been touched.
  if (run.job.mode == RestoreMode::kInto) {
    rename_or_find_out(run.maintenance, {{.from = fresh.name(), .to = run.database}},
                       run.context.stop);
    fresh.keep();
  } else {
    restored.before = swap(run.maintenance, run.database, fresh, run.context);
  }
  return restored;
}

// The new one is made, empty, before the present one goes: what can fail about its locale, owner or
// privileges fails while nothing is lost.
Restored restore_in_place(const Run& run) {
  NewDatabase fresh(run.maintenance, pg::restoring_name(run.database, run.context.clock.now()),
                    run.context);
  pg::create_database(run.maintenance, run.verified.archive, fresh.name(), create_options(run.job));
  run.context.log.warning("dropping the present database", {{"database", run.database}});
  pg::drop_database(run.maintenance, run.database);
  try {
    // Not to be stopped: the present one is gone.
    rename_or_find_out(run.maintenance, {{.from = fresh.name(), .to = run.database}}, {});
    fresh.keep();
    return {.database = run.database, .before = {}, .comparison = fill(run, run.database)};
  } catch (Error& e) {
    e.within(fmt::format("database {} was dropped and is not restored completely", run.database));
    throw;
  }
}

}  // namespace

RestorePlan plan_restore(const RestoreJob& job, const Context& context) {
  pg::Connection maintenance = open_maintenance(job, context);
  RestorePlan plan;
  plan.database = job.mode == RestoreMode::kInto ? job.into : target_database(job);
  refuse_system_databases(plan.database);
  if (plan.database.size() > pg::kMaxName) {
    throw ConfigError(fmt::format("the database's name has {} bytes; PostgreSQL keeps only {}",
                                  plan.database.size(), pg::kMaxName));
  }
  plan.exists = pg::database_exists(maintenance, plan.database);
  if (job.mode == RestoreMode::kInto && plan.exists) {
    throw Exists("database " + printable(plan.database) + " exists already",
                 "--into wants a name that is free");
  }
  if (job.mode == RestoreMode::kSwap) plan.kept = pg::kept_databases(maintenance, plan.database);
  return plan;
}

Restored run_restore(const RestoreJob& job, const Backup& backup, const Context& context,
                     Progress& progress) {
  const RestorePlan plan = plan_restore(job, context);
  pg::Connection maintenance = open_maintenance(job, context);
  pg::lock_restore(maintenance, plan.database);
  context.log.info("Starting database restore...",
                   {{"backup", backup.store().location(backup.key)}, {"database", plan.database}});
  warn_of_other_database(backup, plan.database, context);

  const auto [store, verified] = find_whole_copy(backup, job.jobs, context, progress);
  context.log.info("stored bytes are sound", {{"backup", store->location(backup.key)}});
  check_archive(job, backup, verified, plan.database);
  const pg::Tool pg_restore = check_server(maintenance, job, verified.archive, context);
  check_replaceable(maintenance, job, plan.database);
  for (const std::string& name : pg::half_made_databases(maintenance, plan.database)) {
    pg::drop_half_made(maintenance, name);
    context.log.info("dropped what a dead restore left behind", {{"database", name}});
  }

  const Run run{.job = job,
                .store = *store,
                .backup = backup,
                .context = context,
                .progress = progress,
                .maintenance = maintenance,
                .database = plan.database,
                .verified = verified,
                .pg_restore = pg_restore};
  Restored restored =
      job.mode == RestoreMode::kInPlace ? restore_in_place(run) : restore_beside(run);
  context.log.info("Restore completed successfully", {{"database", restored.database}});
  return restored;
}

std::string run_undo(const RestoreJob& job, const Context& context) {
  const std::string database = target_database(job);
  pg::Connection maintenance = open_maintenance(job, context);
  pg::lock_restore(maintenance, database);
  const std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  if (kept.empty()) {
    throw NotFound("no database is kept from before a restore of " + printable(database),
                   "a restore keeps one as NAME__before_TIME until the next restore");
  }
  std::string before = free_before_name(maintenance, database, context);
  std::vector<pg::Rename> renames;
  if (pg::database_exists(maintenance, database)) {
    renames.push_back({.from = database, .to = before});
  } else {
    before.clear();
  }
  renames.push_back({.from = kept.back(), .to = database});
  pg::rename_databases(maintenance, renames, context.stop);
  context.log.info("swapped back", {{"database", database}, {"before", before}});
  return before;
}

std::vector<std::string> drop_kept(const RestoreJob& job, const Context& context) {
  pg::Connection maintenance = open_maintenance(job, context);
  const std::string database = target_database(job);
  pg::lock_restore(maintenance, database);
  const std::vector<std::string> kept = pg::kept_databases(maintenance, database);
  drop_all(maintenance, kept, context);
  return kept;
}

}  // namespace pgstow
