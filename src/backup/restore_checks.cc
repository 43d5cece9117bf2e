#include "backup/restore_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "backup/nearest_copy.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/needs.h"
#include "pg/restore.h"
#include "pg/server.h"
#include "pg/toc_parts.h"

namespace pgstow {

pg::CreateOptions create_options(const RestoreJob& job) {
  return {.no_owner = job.no_owner, .no_privileges = job.no_privileges};
}

SoundCopy find_whole_copy(const Backup& backup, unsigned jobs, const Context& context,
                          Progress& progress) {
  return of_nearest_copy(backup, "copy", context, [&](Store& store) -> SoundCopy {
    return {.store = &store,
            .verified = run_verify(store, backup, jobs, context, progress),
            .open = [&store, key = backup.key] { return store.open(key); }};
  });
}

void tell_of_sound(const Store& store, const Backup& backup, const Context& context) {
  context.log.info("stored bytes are sound", {{"backup", store.location(backup.key)}});
}

void warn_of_other_database(const RestoreJob& job, const Backup& backup, const std::string& target,
                            const Context& context) {
  if (job.mode == RestoreMode::kInto) return;
  if (!backup.manifest || backup.database() == target) return;
  context.log.warning("the backup is of another database",
                      {{"backup", backup.database()}, {"target", target}});
}

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

void refuse_system_databases(const std::string& name) {
  if (name == "template0" || name == "template1") {
    throw ConfigError("restoring over " + name + " is refused",
                      "name the database to restore, in DATABASE_URL or PGDATABASE");
  }
}

void check_provable(const Backup& backup, const Verified& verified) {
  if (pg::can_load_rows(verified.archive, verified.proof.complete)) return;
  throw Error(backup.key +
                  ": its rows are compressed in a way that can't be read here, so they "
                  "could not be compared",
              "--into NAME restores it beside the present database, without a proof");
}

void check_archive(const RestoreJob& job, const Backup& backup, const Verified& verified,
                   const std::string& database) {
  if (job.mode == RestoreMode::kInto) return;  // nothing is replaced
  if (!pg::holds_database(verified.archive)) {
    throw Error(backup.key + ": an archive of single tables or schemas, not of a database",
                "--into NAME restores it beside the present database");
  }
  check_provable(backup, verified);
  if (!backup.manifest && !job.chosen && verified.archive.database != database) {
    throw NotFound(fmt::format("the newest backup, {}, is of database {}", backup.key,
                               printable(verified.archive.database)),
                   "name the backup to restore, by its number in `pgstow list`");
  }
}

namespace {

// How to come by what the server lacks.
std::string hint_for_missing(const RestoreJob& job, bool roles) {
  if (!roles) return "create them first";
  const std::string create =
      job.create_roles ? "they are not among those kept with the backup: create them by hand, or "
                       : "--create-roles creates roles as they were kept with the backup; ";
  return create +
         "--no-owner --no-privileges restores without them, everything as the present role";
}

}  // namespace

pg::Tool check_server(pg::Connection& maintenance, const RestoreJob& job,
                      const pg::ArchiveHeader& archive, const pg::Runner& runner,
                      const Context& context, MakesDatabase makes) {
  const pg::ServerFacts server = pg::server_facts(maintenance);
  if (server.standby) throw Error("the server is a standby: nothing can be restored there");
  if (makes == MakesDatabase::kYes && !server.can_create_databases) {
    throw Error("role " + server.user + " may not create databases",
                "ALTER ROLE ... CREATEDB, or restore as a superuser");
  }
  const std::vector<std::string> missing =
      pg::missing_on_server(maintenance, archive, create_options(job));
  if (!missing.empty()) {
    const bool roles = !pg::missing_roles(maintenance, archive, create_options(job)).empty();
    throw Error("the backup needs what this server lacks:\n  " + join(missing, "\n  "),
                hint_for_missing(job, roles));
  }
  if (job.no_owner) {
    for (const std::string& role : pg::roles_with_settings(archive)) {
      context.log.warning("a role's settings in this database are left out (--no-owner)",
                          {{"role", role}});
    }
  }
  pg::Tool tool = pg::find_tool("pg_restore", std::max(pg::needed_major(archive), server.major()),
                                job.pg_bin, context.stop, runner);
  pg::check_restores_into(tool, server.major());
  return tool;
}

}  // namespace pgstow
