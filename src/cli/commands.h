// The commands: each takes what main has prepared and returns its exit code.
#pragma once

#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/config.h"
#include "backup/restore.h"
#include "backup/stores.h"
#include "base/context.h"
#include "base/error.h"
#include "cli/progress_view.h"

namespace pgstow::cli {

// What the flags of all commands say; each command reads its own.
struct Arguments {
  std::string choice;  // N, NAME or "latest"
  bool all = false;    // verify --all
  bool json = false;
  bool yes = false;
  bool in_place = false;
  std::string into;
  bool no_owner = false;
  bool no_privileges = false;
  bool drop = false;  // undo --drop
  std::string from;   // the store to take backups from
  std::string to;     // the store to bring up to date
  bool dry_run = false;
};

// Lent to a command for its run.
struct Session {
  const Config& config;
  const Arguments& arguments;
  const Context& context;
  Progress& progress;
};

int backup_command(const Session& session);
int list_command(const Session& session);
int sync_command(const Session& session);
int verify_command(const Session& session);
int restore_command(const Session& session);
int undo_command(const Session& session);
int doctor_command(const Session& session);
int config_command(const Session& session);

// The jobs as the configuration describes them.
BackupJob backup_job(const Config& config);
RestoreJob restore_job(const Config& config, const Arguments& arguments);

// The stores that --from leaves: all, or the one it names.
std::vector<Store*> chosen_stores(const Session& session, const Stores& stores);

// Logs stores that could not be listed, and makes them warnings in the exit code.
Exit exit_of(const Session& session, const std::vector<StoreFailure>& failures);

// The numbered table of backups that `list` and `restore` show, ending with a newline.
std::string backup_table(const std::vector<Backup>& backups, Time now);

// Prints to standard output; a closed or full one is an error.
void print(std::string_view text);

}  // namespace pgstow::cli
