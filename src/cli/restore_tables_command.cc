// pgstow restore --table, --schema
#include <fmt/format.h>

#include "backup/restore_tables.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/restore_choice.h"
#include "pg/transaction.h"

namespace pgstow::cli {
namespace {

pg::TablePattern new_name(const std::string& text) {
  pg::TablePattern pattern = pg::TablePattern::parse(text);
  if (pattern.has_wildcard()) throw ConfigError("--as " + printable(text) + ": no name");
  return pattern;
}

TablesJob tables_job(const Config& config, const Arguments& arguments) {
  TablesJob job{.restore = restore_job(config, arguments)};
  for (const std::string& table : arguments.tables) {
    job.restore.tables.push_back(pg::TablePattern::parse(table));
  }
  for (const std::string& schema : arguments.schemas) {
    job.restore.tables.push_back(pg::TablePattern::of_schema(schema));
  }
  if (!arguments.as.empty()) {
    job.mode = TablesMode::kAs;
    job.as = new_name(arguments.as);
  } else if (arguments.data_only) {
    job.mode = arguments.replace_rows ? TablesMode::kReplaceRows : TablesMode::kRows;
  }
  return job;
}

std::string list_of(const std::vector<pg::TableName>& tables) {
  constexpr std::size_t kMost = 20;
  std::string text;
  for (std::size_t i = 0; i < tables.size() && i < kMost; ++i) {
    text += fmt::format("     {}\n", pg::shown(tables[i]));
  }
  if (tables.size() > kMost) text += fmt::format("     and {} more\n", tables.size() - kMost);
  return text;
}

std::string lines(const std::string& head, const std::vector<std::string>& list) {
  return list.empty() ? "" : fmt::format("  {}\n     {}\n", head, join(list, "\n     "));
}

std::string how_it_ends(const TablesPlan& plan) {
  const std::string name = printable(plan.database);
  if (!plan.exists) return fmt::format("  4. name it {}, which does not exist yet\n", name);
  if (plan.as) return fmt::format("  4. call it {}, beside what is there\n", pg::shown(*plan.as));
  if (plan.present.tables.empty()) return "  4. put them in place; there are none of these names\n";
  std::string text =
      "  4. in one transaction, move the present ones to a schema ...__before_... and put the new "
      "ones in their place:\n" +
      list_of(plan.present.tables);
  std::vector<std::string> led;
  for (const pg::Dependant& dependant : plan.present.dependants) led.push_back(dependant.what);
  return text + lines("   then these are led over to the new ones:", led);
}

std::string what_will_happen(const TablesJob& job, const TablesPlan& plan, const Backup& backup,
                             Time now) {
  const std::string name = printable(plan.database);
  std::string text =
      fmt::format("\nRestore from {} ({} ago), into database {}:\n{}", printable(backup.key),
                  human_duration(now - backup.time), name, list_of(plan.selection.tables));
  if (job.restore.mode != RestoreMode::kInto && backup.manifest &&
      backup.database() != plan.database) {
    text += fmt::format("  NOTE: this is a backup of database {}, not of {}\n",
                        printable(backup.database()), printable(plan.database));
  }
  text += "  1. read their rows, and check them against the manifest\n";
  for (const std::string& dead : plan.half_made) {
    text += fmt::format("     drop schema {}, left half-made by a restore that died\n",
                        printable(dead));
  }
  if (job.mode == TablesMode::kRows || job.mode == TablesMode::kReplaceRows) {
    const bool replace = job.mode == TablesMode::kReplaceRows;
    text += fmt::format(
        "  2. in one transaction: {}load the rows, and compare them with the backup's proof\n",
        replace ? "REMOVE the present rows, " : "");
    if (replace && !plan.emptied.empty()) {
      text += "     emptied, too, and the backup has no rows for them:\n" + list_of(plan.emptied);
    }
    return text;
  }
  text += plan.exists ? "  2. build and load them in a schema of their own\n"
                      : "  2. load them, and what they need, into a new database\n";
  text += "  3. compare every row with the backup's proof\n" + how_it_ends(plan);
  return text + lines("with them come:", plan.needs) + lines("NOT restored:", plan.left_out);
}

void warn_of_left_out(const Session& session, const TablesPlan& plan) {
  for (const std::string& line : plan.left_out) {
    session.context.log.warning("not restored", {{"what", line}});
  }
}

void tell(const Session& session, const TablesPlan& plan, const RestoredTables& restored) {
  const pg::Comparison& c = restored.comparison;
  std::string text =
      fmt::format("Restored into {}: {} {}, {} rows, {}.\n", printable(restored.database),
                  human_count(c.tables), c.tables == 1 ? "table" : "tables", human_count(c.rows),
                  c.digests ? "every row equal to the backup's proof"
                            : "row counts equal to the backup (it carries no proof)");
  if (plan.as) text += fmt::format("The table is {}.\n", pg::shown(*plan.as));
  if (!restored.kept.empty()) {
    text += fmt::format("What was there is kept, until you drop these schemas:\n{}",
                        list_of(restored.kept));
  }
  print_done(session, text);
}

}  // namespace

bool wants_tables(const Arguments& arguments) {
  const bool wanted = !arguments.tables.empty() || !arguments.schemas.empty();
  if (!wanted && (!arguments.as.empty() || arguments.data_only || arguments.replace_rows)) {
    throw ConfigError("--as, --data-only and --replace-rows are about tables",
                      "name them with --table or --schema");
  }
  if (!arguments.as.empty() && arguments.data_only) {
    throw ConfigError("--as makes a table, --data-only makes none: give one of them");
  }
  if (arguments.replace_rows && !arguments.data_only) {
    throw ConfigError("--replace-rows is for --data-only");
  }
  return wanted;
}

int restore_tables_command(const Session& session) {
  const TablesJob job = tables_job(session.config, session.arguments);
  const Stores stores = make_stores(session.config.stores, session.context);
  const Listing listing = list_backups(chosen_stores(session, stores), session.context);
  refuse_unread(listing);
  static_cast<void>(exit_of(session, listing.failures));  // another store has what is asked for
  const std::vector<Backup>& backups = listing.backups;
  if (job.restore.chosen) static_cast<void>(select_backup(backups, session.arguments.choice));
  const TablesTarget target = find_target(job, session.context);
  const Wanted wanted{.database = target.target, .system_identifier = target.system_identifier};
  const Backup& backup = select_backup(backups, session.arguments.choice, wanted);
  warn_of_passed_over(session, backups, backup);
  if (job.restore.mode != RestoreMode::kInto) refuse_unnamed(session, backups, backup, wanted);
  tell_of_other_server(session, backups, backup, wanted);
  const TablesPlan plan = plan_tables(job, target, backup, session.context);
  if (!session.arguments.yes) {
    print(what_will_happen(job, plan, backup, session.context.clock.now()));
  }
  if (!confirmed(session, fmt::format("Restore into {} now?", printable(plan.database)))) {
    print("Nothing was done.\n");
    return static_cast<int>(Exit::kFailed);
  }
  RestoredTables restored;
  try {
    restored = run_restore_tables(job, plan, backup, session.context, session.progress);
  } catch (const pg::OutcomeUnknown&) {
    throw;
  } catch (Error& e) {
    pg::tell_what_became_of(job.restore.place, e, session.context);
    e.within(plan.exists ? fmt::format("restore failed, database {} is as it was", plan.database)
                         : "restore failed");
    throw;
  }
  warn_of_left_out(session, plan);
  tell(session, plan, restored);
  return static_cast<int>(plan.left_out.empty() ? Exit::kOk : Exit::kWarnings);
}

}  // namespace pgstow::cli
