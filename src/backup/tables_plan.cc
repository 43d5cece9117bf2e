// What a restore of tables finds out before it changes anything.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "backup/part.h"
#include "backup/restore_checks.h"
#include "backup/restore_tables.h"
#include "backup/swap.h"
#include "backup/tables_session.h"
#include "base/error.h"
#include "base/text.h"
#include "pg/needs.h"
#include "pg/object_lookup.h"
#include "pg/row_security.h"
#include "pg/server.h"
#include "pg/table_swap.h"
#include "pg/transaction.h"

namespace pgstow {
namespace {

bool only_rows(TablesMode mode) {
  return mode == TablesMode::kRows || mode == TablesMode::kReplaceRows;
}

std::string line(const pg::Tie& tie) {
  const std::string table = pg::shown(tie.table);
  const std::string& desc = tie.entry.desc;
  if (desc == "TABLE ATTACH") {
    return fmt::format("{} will be a table of its own, no partition of {}", table,
                       pg::shown(tie.other));
  }
  if (desc == "PUBLICATION TABLE") {
    return fmt::format("{} in publication {}", table, printable(tie.other.name));
  }
  const std::string key =
      tie.entry.tag.substr(std::min(tie.table.name.size() + 1, tie.entry.tag.size()));
  return fmt::format("foreign key {} of {}, to {}", printable(key), table, pg::shown(tie.other));
}

bool is_there(pg::Connection& session, const pg::Tie& tie) {
  if (tie.entry.desc == "PUBLICATION TABLE") {
    return session
               .query("select 1 from pg_catalog.pg_publication where pubname = $1",
                      {tie.other.name})
               .rows() > 0;
  }
  return session
             .query("select 1 from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)",
                    {pg::quoted(tie.other)})
             .rows() > 0;
}

// Ties that can't be made go to left_out. A copy under another name has none: a foreign key of it
// would keep rows of other tables from being deleted.
void sort_ties(pg::Connection& session, const TablesJob& job, TablesPlan& plan) {
  std::vector<pg::Tie>& ties = plan.selection.ties;
  std::erase_if(ties, [&](const pg::Tie& tie) {
    if (job.mode != TablesMode::kAs && is_there(session, tie)) return false;
    const bool told = tie.entry.desc != "COMMENT";  // its object is
    if (told) plan.left_out.push_back(line(tie));
    return true;
  });
}

void refuse_missing(pg::Connection& session, const pg::ArchiveHeader& archive,
                    const TablesPlan& plan) {
  const std::vector<std::string> missing =
      pg::missing_objects(session, archive, plan.selection.needs);
  if (missing.empty()) return;
  throw Error(fmt::format("the tables need what database {} lacks:\n  {}", printable(plan.database),
                          join(missing, "\n  ")),
              "create it first, or restore into a new database with --into NAME, which brings all "
              "of it");
}

void refuse_obstacles(const TablesPlan& plan) {
  if (plan.present.obstacles.empty()) return;
  throw Error(fmt::format("the present tables can't be replaced:\n  {}",
                          join(plan.present.obstacles, "\n  ")),
              "drop what is named and make it again afterwards, restore beside it with --as NAME, "
              "or take the rows only, with --data-only --replace-rows");
}

// A relation of another table may have the name that an index of the restored one had.
void refuse_taken_names(pg::Connection& session, const TablesPlan& plan) {
  std::vector<pg::TableName> names = pg::relations_of(plan.selection.header);
  std::vector<std::string> lines;
  for (const pg::TableName& name : pg::taken_names(session, plan.present, names)) {
    if (!std::ranges::binary_search(plan.selection.tables, name)) lines.push_back(pg::shown(name));
  }
  if (lines.empty()) return;
  throw Error(
      "the tables bring indexes or sequences whose names others have:\n  " + join(lines, "\n  "),
      "rename those, or restore beside them with --as NAME");
}

pg::TableName new_name(const TablesJob& job, const TablesPlan& plan) {
  if (plan.selection.named.size() != 1) {
    throw ConfigError(
        fmt::format("--as is for one table; these are {}", plan.selection.named.size()));
  }
  const std::string schema = job.as->schema().value_or(plan.selection.named.front().schema);
  return {.schema = schema, .name = job.as->name()};
}

void check_new_name(pg::Connection& session, const TablesPlan& plan) {
  if (!pg::schema_exists(session, plan.as->schema)) {
    throw NotFound("no schema " + printable(plan.as->schema) + " in " + printable(plan.database),
                   "create it, or name the table to be in another one");
  }
  const pg::PresentTables nothing;
  if (!pg::taken_names(session, nothing, {*plan.as}).empty()) {
    throw Exists(pg::shown(*plan.as) + " exists already", "--as wants a name that is free");
  }
}

// --into replaces nothing, whether it makes a database or finds one.
void refuse_replacing(const TablesJob& job, const TablesPlan& plan) {
  if (job.restore.mode != RestoreMode::kInto || plan.present.tables.empty()) return;
  std::vector<std::string> names;
  names.reserve(plan.present.tables.size());
  for (const pg::TableName& table : plan.present.tables) names.push_back(pg::shown(table));
  throw Exists(
      fmt::format("database {} has {} already", printable(plan.database), join(names, ", ")),
      "--into replaces nothing: drop it there, give the restored one another name with "
      "--as NAME, or take the rows only, with --data-only");
}

// The tables that rows will go into.
std::vector<pg::TableName> tables_with_rows(const pg::ArchiveHeader& header) {
  std::vector<pg::TableName> tables;
  for (const pg::TocEntry& entry : header.toc) {
    if (entry.desc == "TABLE DATA") {
      tables.push_back({.schema = entry.schema.value_or(""), .name = entry.tag});
    }
  }
  return tables;
}

// What it lifts for that, if anything, is back with the transaction's end.
bool has_rows(pg::Connection& session, const std::string& table) {
  const pg::Transaction transaction(session);
  session.query("set local lock_timeout = '10s'");
  pg::stop_forcing(session, {table});
  return session.query(fmt::format("select from only {} limit 1", table)).rows() > 0;
}

void check_rows(pg::Connection& session, const TablesJob& job, const TablesPlan& plan) {
  std::vector<std::string> missing;
  std::vector<std::string> filled;
  for (const pg::TableName& table : tables_with_rows(plan.selection.header)) {
    if (!std::ranges::binary_search(plan.present.tables, table)) {
      missing.push_back(pg::shown(table));
    } else if (job.mode == TablesMode::kRows && has_rows(session, pg::quoted(table))) {
      filled.push_back(pg::shown(table));
    }
  }
  if (!missing.empty()) {
    throw NotFound(
        fmt::format("database {} has no table {}", printable(plan.database), join(missing, ", ")),
        "without --data-only it is made, too");
  }
  if (filled.empty()) return;
  throw Error(fmt::format("{} {} not empty", join(filled, ", "), filled.size() == 1 ? "is" : "are"),
              "--replace-rows removes the present rows in the same transaction");
}

void plan_existing(const TablesJob& job, pg::Connection& session, const pg::ArchiveHeader& archive,
                   TablesPlan& plan) {
  plan.half_made = pg::half_made_schemas(session);
  if (job.mode == TablesMode::kAs) {
    plan.as = new_name(job, plan);
    check_new_name(session, plan);
  } else {
    plan.present = pg::present_tables(session, plan.selection.tables);
  }
  if (job.mode == TablesMode::kReplaceRows) {
    std::ranges::set_difference(plan.present.tables, plan.selection.tables,
                                std::back_inserter(plan.emptied));
  }
  if (only_rows(job.mode)) return check_rows(session, job, plan);
  sort_ties(session, job, plan);
  refuse_missing(session, archive, plan);
  if (job.mode == TablesMode::kAs) return;
  refuse_replacing(job, plan);
  refuse_obstacles(plan);
  refuse_taken_names(session, plan);
}

// What a new database gets besides the tables.
void plan_new(const TablesJob& job, const pg::ArchiveHeader& archive, const Context& context,
              TablesPlan& plan) {
  if (job.mode != TablesMode::kReplace) {
    throw NotFound("no database " + printable(plan.database),
                   "--as and --data-only are for a database that exists");
  }
  plan.whole = plan_restore(job.restore, context);
  std::set<int> own;
  for (const pg::TocEntry& entry : plan.selection.header.toc) own.insert(entry.dump_id);
  for (const pg::TocEntry& entry : pg::with_needs(archive, plan.selection).toc) {
    const bool told =
        entry.section == pg::Section::kPreData && !entry.desc.starts_with("SEQUENCE ");
    if (!told || own.contains(entry.dump_id)) continue;
    const std::string name = entry.schema ? *entry.schema + "." + entry.tag : entry.tag;
    plan.needs.push_back(lower(entry.desc) + " " + printable(name) +
                         (pg::makes_table(entry) ? ", without rows" : ""));
  }
  for (const pg::Tie& tie : plan.selection.ties) {
    if (tie.entry.desc != "COMMENT") plan.left_out.push_back(line(tie));
  }
}

}  // namespace

TablesTarget find_target(const TablesJob& job, const Context& context) {
  const pg::Access access = pg::Access::open(job.restore.place, context);
  pg::Connection maintenance = open_maintenance(access, job.restore, context);
  TablesTarget target;
  target.target = target_database(access);
  const bool into = job.restore.mode == RestoreMode::kInto;
  target.database = into ? job.restore.into : target.target;
  refuse_system_databases(target.database);
  target.exists = pg::database_exists(maintenance, target.database);
  target.system_identifier = pg::server_facts(maintenance).system_identifier;
  if (!target.exists && !into) {
    throw NotFound("no database " + printable(target.database),
                   "restore it whole, or the tables into a new database with --into NAME");
  }
  return target;
}

TablesPlan plan_tables(const TablesJob& job, const TablesTarget& target, const Backup& backup,
                       const Context& context) {
  const pg::ArchiveHeader archive = read_contents(backup, context);
  TablesPlan plan;
  plan.database = target.database;
  plan.exists = target.exists;
  plan.selection = pg::select_tables(archive, job.restore.tables);
  if (!plan.exists) {
    plan_new(job, archive, context, plan);
    return plan;
  }
  const pg::Access access = pg::Access::open(job.restore.place, context);
  const pg::Connection maintenance = open_maintenance(access, job.restore, context);
  pg::Connection session = open_tables_session(maintenance, plan.database, archive, context.stop);
  plan_existing(job, session, archive, plan);
  return plan;
}

}  // namespace pgstow
