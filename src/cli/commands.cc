#include "cli/commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/error.h"

namespace pgstow::cli {

BackupJob backup_job(const Config& config) {
  return {.server = config.target.parameters,
          .compression = config.compression,
          .jobs = config.jobs,
          .lock_timeout = config.lock_timeout,
          .stall_timeout = config.stall_timeout,
          .pg_bin = config.pg_bin,
          .lock_folder = config.local_path};
}

RestoreJob restore_job(const Config& config, const Arguments& arguments) {
  RestoreJob job;
  job.server = config.target.parameters;
  job.maintenance = config.maintenance_db;
  job.mode = arguments.in_place       ? RestoreMode::kInPlace
             : arguments.into.empty() ? RestoreMode::kSwap
                                      : RestoreMode::kInto;
  job.into = arguments.into;
  job.chosen = !arguments.choice.empty() && arguments.choice != "latest";
  job.no_owner = arguments.no_owner;
  job.no_privileges = arguments.no_privileges;
  job.jobs = config.jobs;
  job.pg_bin = config.pg_bin;
  return job;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw_errno("standard output");
  }
}

}  // namespace pgstow::cli
