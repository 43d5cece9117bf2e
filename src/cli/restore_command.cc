// pgstow restore and pgstow undo
#include <fmt/format.h>

#include "backup/restore_roles.h"
#include "backup/selection.h"
#include "backup/undo.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/restore_choice.h"
#include "cli/several.h"
#include "pg/transaction.h"

namespace pgstow::cli {
namespace {

std::string what_will_happen(const Session& session, const RestoreJob& job, const RestorePlan& plan,
                             const Backup& backup) {
  const std::string name = printable(plan.database);
  std::string text = fmt::format(
      "\nRestore {} ({} ago, {}{}):\n", printable(backup.key),
      human_duration(session.context.clock.now() - backup.time), human_bytes(backup.bytes),
      backup.manifest ? ", database " + printable(backup.database()) : "");
  if (session.arguments.into.empty() && backup.manifest && backup.database() != plan.database) {
    text += fmt::format("  NOTE: it is a backup of database {}, not of {}\n",
                        printable(backup.database()), name);
  }
  if (is_of_other_server(backup, {.system_identifier = plan.system_identifier})) {
    text += fmt::format("  NOTE: it was made of another server ({}) than this one ({})\n",
                        printable(backup.manifest->system_identifier),
                        plan.system_identifier.empty() ? "not told" : plan.system_identifier);
  }
  const bool checked_first = !reads_once(job, backup);
  int step = 0;
  const auto add_step = [&](const std::string& what) {
    text += fmt::format("  {}. {}\n", ++step, what);
  };
  if (checked_first) add_step("check every stored byte");
  for (const std::string& dead : plan.half_made) {
    text += fmt::format("     drop {}, left half-made by a restore that died\n", printable(dead));
  }
  if (session.arguments.in_place) {
    add_step(fmt::format("DROP the database {} and all its present data", name));
    add_step("create it again, load it and compare every row with the proof");
    return text;
  }
  add_step(fmt::format("load it into a new database, beside {}{}", name,
                       checked_first ? "" : ", and check every stored byte"));
  add_step("compare every row with the backup's proof");
  if (!plan.exists) {
    add_step(fmt::format("name it {}, which does not exist yet", name));
    return text;
  }
  add_step(
      fmt::format("end the sessions in {0}, rename it to {0}__before_..., and put the new "
                  "one in its place",
                  name));
  for (const std::string& kept : plan.kept) {
    add_step(fmt::format("drop {}, kept by an earlier restore", printable(kept)));
  }
  return text;
}

void tell(const Session& session, const Restored& restored) {
  const pg::Comparison& c = restored.comparison;
  std::string text =
      fmt::format("{} is restored: {} tables, {} rows, {}.\n", printable(restored.database),
                  human_count(c.tables), human_count(c.rows),
                  c.digests ? "every row equal to the backup's proof"
                            : "row counts equal to the backup (it carries no proof)");
  if (!restored.before.empty()) {
    text += fmt::format(
        "The database as it was is kept as {}.\n"
        "`pgstow undo` puts it back; `pgstow undo --drop` or the next restore drops it.\n",
        printable(restored.before));
  }
  print_done(session, text);
}

// Asked only of people: what runs by itself says --create-roles, or fails for the roles.
bool wants_roles(const Session& session, const RestoreJob& job, const Backup& backup) {
  if (job.create_roles || session.arguments.yes || !somebody_to_ask()) return job.create_roles;
  const RolesToCreate roles = roles_to_create(job, backup, session.context);
  if (roles.needed.empty() || roles.kept.empty()) return false;
  print(fmt::format("This server lacks roles that the backup needs: {}\n",
                    printable(join(roles.needed, ", "))));
  return confirmed(session, fmt::format("Create the roles kept with it ({})?",
                                        printable(join(roles.kept, ", "))));
}

int restore(const Session& session) {
  if (wants_tables(session.arguments)) return restore_tables_command(session);
  const Stores stores = make_stores(session.config.stores, session.context);
  const Listing listing = list_backups(chosen_stores(session, stores), session.context);
  refuse_unread(listing);
  static_cast<void>(exit_of(session, listing.failures));  // another store has what is asked for
  const std::vector<Backup>& backups = listing.backups;
  RestoreJob job = restore_job(session.config, session.arguments);
  // A wrong name is told before the server is asked for anything.
  if (job.chosen) static_cast<void>(select_backup(backups, session.arguments.choice));
  const RestorePlan plan = plan_restore(job, session.context);
  const Wanted wanted{.database = plan.target, .system_identifier = plan.system_identifier};
  const Backup& backup = select_backup(backups, session.arguments.choice, wanted);
  warn_of_passed_over(session, backups, backup);
  if (job.mode != RestoreMode::kInto) refuse_unnamed(session, backups, backup, wanted);
  tell_of_other_server(session, backups, backup, wanted);
  if (!session.arguments.yes) print(backup_table(backups, session.context.clock.now()));
  job.create_roles = wants_roles(session, job, backup);
  if (!session.arguments.yes) print(what_will_happen(session, job, plan, backup));
  if (!confirmed(session, fmt::format("Restore {} now?", printable(plan.database)))) {
    print("Nothing was done.\n");
    return static_cast<int>(Exit::kFailed);
  }
  Restored restored;
  try {
    restored = run_restore(job, plan, backup, session.context, session.progress);
  } catch (const pg::OutcomeUnknown&) {
    throw;
  } catch (Error& e) {
    pg::tell_what_became_of(job.place, e, session.context);
    if (job.mode != RestoreMode::kInPlace) {
      e.within(plan.exists ? fmt::format("restore failed, database {} is as it was", plan.database)
                           : "restore failed");
    }
    throw;
  }
  tell(session, restored);
  return static_cast<int>(restored.not_dropped.empty() ? Exit::kOk : Exit::kWarnings);
}

int undo(const Session& session) {
  const RestoreJob job = restore_job(session.config, session.arguments);
  if (session.arguments.drop) {
    if (!confirmed(session, "Drop the databases kept by restores of " +
                                printable(database_of(session)) + "?")) {
      return static_cast<int>(Exit::kFailed);
    }
    const std::vector<std::string> dropped = drop_kept(job, session.context);
    print_done(session, dropped.empty() ? "Nothing was kept.\n"
                                        : "Dropped " + printable(join(dropped, ", ")) + ".\n");
    return static_cast<int>(Exit::kOk);
  }
  const std::string database = printable(database_of(session));
  if (!confirmed(session, fmt::format("End the sessions in {} and put back the database as it was "
                                      "before the last restore?",
                                      database))) {
    return static_cast<int>(Exit::kFailed);
  }
  const std::string before = run_undo(job, session.context);
  std::string text = fmt::format("{} is as before the restore.\n", database);
  if (!before.empty()) {
    text += fmt::format("What was restored is kept as {}; `pgstow undo` swaps again.\n",
                        printable(before));
  }
  print_done(session, text);
  return static_cast<int>(Exit::kOk);
}

}  // namespace

int restore_command(const Session& session) { return for_one(session, restore); }

int undo_command(const Session& session) { return for_one(session, undo); }

}  // namespace pgstow::cli
