#include "cli/commands.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "backup/config_databases.h"
#include "backup/config_state.h"
#include "base/error.h"

namespace pgstow::cli {

BackupJob backup_job(const Config& config) {
  return {.place = config.place,
          .compression = config.compression,
          .jobs = config.jobs,
          .lock_timeout = config.lock_timeout,
          .stall_timeout = config.stall_timeout,
          .give_way_after = config.give_way_after,
          .pg_bin = config.pg_bin,
          // Without a folder of ours, the server's own lock is enough.
          .lock_folder = first_local_folder(config),
          .globals = config.globals};
}

Job job(const Config& config) {
  Job job{.backup = backup_job(config)};
  if (config.rotation) job.rotation = prune_job(config, {});
  return job;
}

PruneJob prune_job(const Config& config, const Arguments& arguments) {
  return {.rule = config.retention,
          .zone = config.zone,
          .dry_run = arguments.dry_run,
          .force = arguments.force};
}

RestoreJob restore_job(const Config& config, const Arguments& arguments) {
  RestoreJob job;
  job.place = config.place;
  job.maintenance = config.maintenance_db;
  job.mode = arguments.in_place       ? RestoreMode::kInPlace
             : arguments.into.empty() ? RestoreMode::kSwap
                                      : RestoreMode::kInto;
  job.into = arguments.into;
  job.chosen = !arguments.choice.empty() && arguments.choice != "latest";
  job.no_owner = arguments.no_owner;
  job.no_privileges = arguments.no_privileges;
  job.create_roles = arguments.create_roles;
  job.jobs = config.jobs;
  job.stall = config.stall_timeout;
  job.pg_bin = config.pg_bin;
  return job;
}

std::string database_of(const Session& session) {
  if (session.config.databases) return kSeveralDatabases;
  return pg::database_of(session.config.place, session.context);
}

std::vector<Store*> chosen_stores(const Session& session, const Stores& stores) {
  if (session.arguments.from.empty()) return stores.all();
  return {&stores.named(session.arguments.from)};
}

Exit exit_of(const Session& session, const std::vector<StoreFailure>& failures) {
  for (const StoreFailure& failure : failures) {
    Facts facts{{"store", failure.store}, {"cause", failure.problem}};
    if (!failure.hint.empty()) facts.emplace_back("hint", failure.hint);
    session.context.log.warning("a store could not be read", facts);
  }
  return failures.empty() ? Exit::kOk : Exit::kWarnings;
}

void print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if ((written && std::fflush(stdout) == 0) || errno == EPIPE) return;
  // Not throw_errno(): its hints are about the backup folder.
  throw Error("standard output: " + std::generic_category().message(errno));
}

void print_done(const Session& session, std::string_view text) {
  try {
    print(text);
  } catch (const Error& e) {
    session.context.log.warning("all is done, but the result could not be printed",
                                {{"cause", e.what()}});
  }
}

}  // namespace pgstow::cli
