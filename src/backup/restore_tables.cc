#include "backup/restore_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "backup/fill.h"
#include "backup/outcome.h"
#include "backup/part.h"
#include "backup/restore_checks.h"
#include "backup/restore_roles.h"
#include "backup/restore_rows.h"
#include "backup/swap.h"
#include "backup/tables_session.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/object_lock.h"
#include "pg/object_lookup.h"
#include "pg/server.h"
#include "pg/sql_text.h"
#include "pg/table_swap.h"

namespace pgstow {
namespace {

// The schemas that the tables are built in; dropped with all that is in them unless they are gone.
class ScratchSchemas {
 public:
  ScratchSchemas(pg::Connection& session, std::map<std::string, std::string> schemas,
                 const Context& context)
      : session_(session), schemas_(std::move(schemas)), context_(context) {
    std::string all;  // or none, where one can't be made
    for (const auto& [schema, scratch] : schemas_) {
      all += "create schema " + pg::quote_identifier(scratch) + ";";
    }
    session_.query(all);
  }
  ScratchSchemas(const ScratchSchemas&) = delete;
  ScratchSchemas& operator=(const ScratchSchemas&) = delete;
  ~ScratchSchemas() {
    if (gone_) return;
    try {  // a session of its own: the job may end because of a stop, which must not stop this
      pg::Connection session = session_.open_another(session_.database(), {});
      pg::forbid_timeouts(session);
      session.query("set default_transaction_read_only = off; set client_min_messages = warning");
      // The session whose swap was stopped may hold them until it is closed, which is after us.
      session.query("set lock_timeout = '10s'");
      for (const auto& [schema, scratch] : schemas_) pg::drop_schema(session, scratch);
    } catch (const Error& e) {
      context_.log.warning("the half-made tables could not be dropped; the next restore will",
                           {{"cause", e.what()}});
    }
  }

  const std::map<std::string, std::string>& names() const { return schemas_; }
  std::vector<std::string> list() const {
    std::vector<std::string> all;
    for (const auto& [schema, scratch] : schemas_) all.push_back(scratch);
    return all;
  }
  void left() { gone_ = true; }

 private:
  pg::Connection& session_;
  std::map<std::string, std::string> schemas_;
  const Context& context_;
  bool gone_ = false;
};

// The scratch schemas go in the transaction of the swap.
std::optional<bool> is_done(const pg::Connection& session, const pg::TableSwap& swap,
                            const std::stop_token& stop) {
  const std::string& scratch = swap.scratch.begin()->second;
  pg::Connection other = session.open_another(session.database(), stop);
  if (pg::is_being_dropped(other, scratch)) return std::nullopt;
  return !pg::schema_exists(other, scratch);  // in this order: it may be done in between
}

// The statements that make a schema which the database lacks as the backup has it.
void add_schema(const pg::ArchiveHeader& archive, const RestoreJob& job, const std::string& schema,
                std::vector<std::string>& statements) {
  statements.push_back("create schema " + pg::quote_identifier(schema));
  for (const pg::TocEntry& entry : archive.toc) {
    const bool itself = entry.desc == "SCHEMA" && entry.tag == schema;
    if (itself && entry.owner && !entry.owner->empty() && !job.no_owner) {
      statements.push_back(fmt::format("alter schema {} owner to {}", pg::quote_identifier(schema),
                                       pg::quote_identifier(*entry.owner)));
    }
    const bool about = !entry.schema && entry.tag == "SCHEMA " + schema && entry.defn;
    const bool wanted = entry.desc == "COMMENT" || (entry.desc == "ACL" && !job.no_privileges);
    if (about && wanted) statements.push_back(*entry.defn);
  }
}

std::vector<std::string> missing_schemas(pg::Connection& session, const pg::ArchiveHeader& archive,
                                         const RestoreJob& job,
                                         const std::vector<pg::TableName>& tables) {
  std::vector<std::string> statements;
  std::string last;
  for (const pg::TableName& table : tables) {  // sorted by schema
    if (table.schema == last) continue;
    last = table.schema;
    if (!pg::schema_exists(session, last)) add_schema(archive, job, last, statements);
  }
  return statements;
}

void refuse_changed(const TablesPlan& plan, const pg::TableSelection& now) {
  if (plan.selection.tables == now.tables) return;
  throw Error("the backup has changed since the restore was planned", "start the restore again");
}

std::vector<pg::TableName> kept_names(const std::vector<pg::TableName>& present,
                                      const std::map<std::string, std::string>& kept) {
  std::vector<pg::TableName> names;
  for (const pg::TableName& table : present) {
    names.push_back({.schema = kept.at(table.schema), .name = table.name});
  }
  return names;
}

// All that a restore into a database that is there works with; lent for the run.
struct Run {
  const TablesJob& job;
  const TablesPlan& plan;
  const Backup& backup;
  const Context& context;
  Progress& progress;
  pg::Connection& maintenance;
  pg::Connection& session;  // in the database
  const SoundCopy& copy;
  const pg::Tool& pg_restore;
};

// In one transaction, whose answer may be lost.
std::vector<pg::TableName> put_in_place(const Run& run, pg::TableSwap& swap) {
  try {
    if (run.plan.as) {
      pg::add_table_as(run.session, swap, run.plan.selection.named.front(), *run.plan.as);
      return {};
    }
    return kept_names(pg::swap_tables(run.session, swap, run.plan.present), swap.kept);
  } catch (const pg::OutcomeUnknown& lost) {
    find_out([&](const std::stop_token& stop) { return is_done(run.session, swap, stop); }, lost,
             lost.hint(), run.context);
    return kept_names(run.plan.present.tables, swap.kept);
  }
}

// Names that no schema has.
std::map<std::string, std::string> free_kept_schemas(const Run& run, Time now) {
  const std::vector<pg::TableName>& tables = run.plan.present.tables;
  const Time time = free_second(now, [&](Time at) {
    return std::ranges::any_of(pg::kept_schemas(tables, at), [&](const auto& names) {
      return pg::schema_exists(run.session, names.second);
    });
  });
  return pg::kept_schemas(tables, time);
}

// The tables, built beside, proven, put in place.
void restore_tables(const Run& run, RestoredTables& restored) {
  const std::vector<pg::TableName>& tables = run.plan.selection.tables;
  const Time now = run.context.clock.now();
  ScratchSchemas scratch(run.session, pg::scratch_schemas(tables, now), run.context);
  const Verified part =
      part_of(run.copy.verified,
              pg::in_schemas(pg::without_database(run.plan.selection.header), scratch.names()));
  const Filling filling{.job = run.job.restore,
                        .store = *run.copy.store,
                        .backup = run.backup,
                        .context = run.context,
                        .progress = run.progress,
                        .maintenance = run.maintenance,
                        .verified = part,
                        .open = run.copy.open,
                        .pg_restore = run.pg_restore};
  const std::unique_ptr<Source> object = run.copy.open();
  restored.comparison = fill_database(filling, *object, run.plan.database, scratch.list());
  // From here the new tables are proven; the present ones have not been touched.
  pg::TableSwap swap{
      .tables = tables,
      .scratch = scratch.names(),
      .kept = free_kept_schemas(run, now),
      .prelude = missing_schemas(run.session, run.copy.verified.archive, run.job.restore, tables),
      .ties = run.plan.selection.ties};
  restored.kept = put_in_place(run, swap);
  scratch.left();
  run.context.log.info("put in place", {{"tables", std::to_string(tables.size())},
                                        {"kept", std::to_string(restored.kept.size())}});
}

void drop_half_made(pg::Connection& session, const Context& context) {
  for (const std::string& schema : pg::half_made_schemas(session)) {
    pg::drop_schema(session, schema);
    context.log.info("dropped what a dead restore left behind", {{"schema", schema}});
  }
}

RestoredTables restore_new(const TablesJob& job, const TablesPlan& plan, const Backup& backup,
                           const Context& context, Progress& progress) {
  const Restored restored = run_restore(job.restore, *plan.whole, backup, context, progress);
  return {.database = restored.database, .kept = {}, .comparison = restored.comparison};
}

}  // namespace

RestoredTables run_restore_tables(const TablesJob& job, const TablesPlan& plan,
                                  const Backup& backup, const Context& context,
                                  Progress& progress) {
  if (!plan.exists) return restore_new(job, plan, backup, context, progress);
  const pg::Access access = pg::Access::open(job.restore.place, context);
  pg::Connection maintenance = open_maintenance(access, job.restore, context);
  pg::lock_restore(maintenance, plan.database);
  context.log.info("Starting restore of tables...",
                   {{"backup", backup.store().location(backup.key)}, {"database", plan.database}});
  const SoundCopy copy =
      find_tables_copy(backup, job.restore.tables, job.restore.jobs, context, progress);
  tell_of_sound(*copy.store, backup, context);
  refuse_changed(plan, pg::select_tables(copy.verified.archive, job.restore.tables));
  check_provable(backup, copy.verified);
  pg::Connection session =
      open_tables_session(maintenance, plan.database, copy.verified.archive, context.stop);
  drop_half_made(session, context);
  RestoredTables restored{.database = plan.database, .kept = {}, .comparison = {}};
  if (job.mode == TablesMode::kRows || job.mode == TablesMode::kReplaceRows) {
    restored.comparison = restore_rows(job, plan, backup, copy, session, context, progress);
  } else {
    if (job.restore.create_roles) create_missing_roles(maintenance, backup, context);
    const pg::Tool pg_restore =
        check_server(maintenance, job.restore, pg::without_database(plan.selection.header),
                     access.runner(), context, MakesDatabase::kNo);
    restore_tables({.job = job,
                    .plan = plan,
                    .backup = backup,
                    .context = context,
                    .progress = progress,
                    .maintenance = maintenance,
                    .session = session,
                    .copy = copy,
                    .pg_restore = pg_restore},
                   restored);
  }
  context.log.info("Restore completed successfully", {{"database", restored.database}});
  return restored;
}

}  // namespace pgstow
