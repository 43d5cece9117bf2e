// The commands: each takes what main has prepared and returns its exit code.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/config.h"
#include "backup/job.h"
#include "backup/prune.h"
#include "backup/restore.h"
#include "backup/stores.h"
#include "base/context.h"
#include "base/error.h"
#include "base/signals.h"
#include "cli/progress_view.h"
#include "cli/startup.h"

namespace pgstow::cli {

// What the flags of all commands say; each command reads its own.
struct Arguments {
  std::string choice;    // N, NAME or "latest"
  std::string database;  // of BACKUP_DATABASES; empty: all of them
  bool all = false;      // verify --all
  bool json = false;
  bool yes = false;
  bool in_place = false;
  std::string into;
  bool no_owner = false;
  bool no_privileges = false;
  bool create_roles = false;
  std::vector<std::string> tables = {};   // restore --table
  std::vector<std::string> schemas = {};  // restore --schema
  std::string as;                         // restore --as
  bool data_only = false;
  bool replace_rows = false;
  bool drop = false;  // undo --drop
  std::string from;   // the store to take backups from
  std::string to;     // the store to bring up to date
  bool dry_run = false;
  bool force = false;       // prune --force
  bool off = false;         // keep --off
  bool check = false;       // run --check
  std::string database_is;  // run --check: the database that must still be meant
  bool test = false;        // notify --test
  int count = 5;            // schedule -n
  bool follow = false;      // logs -f
  std::size_t lines = 20;   // logs -n
};

// Lent to a command for its run.
struct Session {
  const Config& config;
  const Arguments& arguments;
  const Context& context;
  Progress& progress;
  StopOnSignal& signals;
  const Startup& startup;
};

int backup_command(const Session& session);
int list_command(const Session& session);
int sync_command(const Session& session);
int prune_command(const Session& session);
int keep_command(const Session& session);
int verify_command(const Session& session);
int restore_command(const Session& session);
int undo_command(const Session& session);
int doctor_command(const Session& session);
int config_command(const Session& session);
int notify_command(const Session& session);
int schedule_command(const Session& session);
int status_command(const Session& session);
int run_service_command(const Session& session);
int up_command(const Session& session);
int down_command(const Session& session);
int restart_command(const Session& session);
int logs_command(const Session& session);

// The jobs as the configuration describes them.
BackupJob backup_job(const Config& config);
Job job(const Config& config);  // with the rotation
PruneJob prune_job(const Config& config, const Arguments& arguments);
RestoreJob restore_job(const Config& config, const Arguments& arguments);

// The database that the configuration means; kSeveralDatabases where it means several. With
// BACKUP_CONTAINER, where no setting names it, the container engine is asked.
std::string database_of(const Session& session);

// The stores that --from leaves: all, or the one it names.
std::vector<Store*> chosen_stores(const Session& session, const Stores& stores);

// Logs stores that could not be listed, and makes them warnings in the exit code.
Exit exit_of(const Session& session, const std::vector<StoreFailure>& failures);

// Columns, padded to a common width; those in `right` stand to the right.
std::string layout(const std::vector<std::vector<std::string>>& rows,
                   const std::set<std::size_t>& right);

// The numbered table of backups that `list` and `restore` show, ending with a newline.
std::string backup_table(const std::vector<Backup>& backups, Time now,
                         const std::vector<Reasons>& reasons = {});

// Prints to standard output; a full one is an error. One whose reader has left (`list | head`) is
// none: what was asked for was done.
void print(std::string_view text);

// Prints what came of a change that is made by now: that it can't be printed is only a warning.
void print_done(const Session& session, std::string_view text);

}  // namespace pgstow::cli
