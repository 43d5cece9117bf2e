#include "backup/restore_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "backup/load.h"
#include "backup/part.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "pg/compare.h"
#include "pg/row_security.h"
#include "pg/row_writer.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"
#include "pg/transaction.h"

namespace pgstow {
namespace {

std::vector<std::string> tables_to_fill(const pg::ArchiveHeader& rows) {
  std::set<std::string> names;
  for (const pg::TocEntry& entry : rows.toc) {
    if (entry.desc != "TABLE DATA") continue;
    names.insert(pg::quoted({.schema = entry.schema.value_or(""), .name = entry.tag}));
    if (entry.copy) names.insert(pg::parse_copy(*entry.copy).relation);  // a root, perhaps
  }
  return {names.begin(), names.end()};
}

// Statements that make the triggers fire again as they do now, partitions' after their parents'.
std::vector<std::string> silence_triggers(pg::Connection& session,
                                          const std::vector<std::string>& tables) {
  std::vector<std::string> again;
  for (const std::string& table : tables) {
    const pg::Result r = session.query(
        "select tgname, case tgenabled when 'R' then 'replica ' when 'A' then 'always ' else '' end"
        " from pg_catalog.pg_trigger where tgrelid = pg_catalog.to_regclass($1) "
        // Up to 14 those that a partition has of its parent count as internal.
        "and (not tgisinternal or (tgparentid <> 0 and tgconstraint = 0)) and tgenabled <> 'D'",
        {table});
    for (int i = 0; i < r.rows(); ++i) {
      const std::string name = pg::quote_identifier(r.text(i, 0));
      again.push_back(
          fmt::format("alter table only {} enable {}trigger {}", table, r.text(i, 1), name));
      session.query(fmt::format("alter table only {} disable trigger {}", table, name));
    }
  }
  return again;
}

// Of the tables, and of those whose foreign keys are checked by reading them.
std::vector<std::string> stop_forcing(pg::Connection& session, std::vector<std::string> tables,
                                      const std::vector<pg::Dependant>& keys) {
  for (const pg::Dependant& key : keys) tables.push_back(key.table);
  return pg::stop_forcing(session, tables);
}

// Another session may have filled it since it was looked at.
void refuse_filled(pg::Connection& session, const std::vector<std::string>& tables) {
  for (const std::string& table : tables) {
    if (session.query(fmt::format("select from only {} limit 1", table)).rows() == 0) continue;
    throw Error("table " + printable(table) + " is not empty any more",
                "--replace-rows removes the present rows in the same transaction");
  }
}

void load_rows(const TablesJob& job, const Verified& part, const SoundCopy& copy,
               pg::Connection& session, const Context& context, Progress& progress) {
  const std::unique_ptr<Source> object = copy.open();
  pg::RowWriter writer(session, job.restore.stall);
  read_blocks(*object, part, job.restore.jobs, context, progress, writer,
              [&] { return writer.current() == nullptr ? "" : writer.current()->tag; });
  progress.done();
}

void prove(pg::Connection& session, const Verified& part, bool digests, pg::Comparison& result) {
  result = pg::compare_tables(session, part.archive, part.proof, digests);
  if (result.differences.empty()) return;
  throw Error("what was restored is not equal to the backup:\n  " +
              join(result.differences, "\n  "));
}

void check_again(pg::Connection& session, const std::vector<pg::Dependant>& keys) {
  for (const pg::Dependant& key : keys) {
    try {
      for (const std::string& statement : key.redo) session.query(statement);
    } catch (const pg::ServerError& e) {
      throw pg::ServerError(fmt::format("{}: {}", key.what, e.what()), e.sqlstate(),
                            "the restored rows don't fit those of the other table: restore both");
    }
  }
}

// setval() is not undone with its transaction, so a position only goes forward, and last of all:
// where the commit fails, some numbers are left out, as after any failed INSERT.
void set_sequences_forward(pg::Connection& session, const pg::ArchiveHeader& rows,
                           const Context& context) {
  for (const pg::TocEntry& entry : rows.toc) {
    if (entry.desc != "SEQUENCE SET" || !entry.defn) continue;
    const pg::SequenceState state = pg::parse_setval(*entry.defn);
    const pg::Result there =
        session.query("select pg_catalog.to_regclass($1) is not null", {state.sequence});
    if (!there.flag(0, 0)) {
      context.log.warning("a sequence is not there, and was not set",
                          {{"sequence", state.sequence}});
      continue;
    }
    const pg::Result now =
        session.query(fmt::format("select s.last_value, s.is_called, q.seqincrement from {} s, "
                                  "pg_catalog.pg_sequence q where q.seqrelid = $1::regclass",
                                  state.sequence),
                      {state.sequence});
    const std::int64_t last = now.number(0, 0);
    const bool ahead = now.number(0, 2) > 0 ? state.value > last : state.value < last;
    const bool not_used_yet = state.value == last && state.called && !now.flag(0, 1);
    if (!ahead && !not_used_yet) continue;
    session.query("select pg_catalog.setval($1::regclass, $2::bigint, $3::boolean)",
                  {state.sequence, std::to_string(state.value), state.called ? "true" : "false"});
  }
}

}  // namespace

pg::Comparison restore_rows(const TablesJob& job, const TablesPlan& plan, const Backup& backup,
                            const SoundCopy& copy, pg::Connection& session, const Context& context,
                            Progress& progress) {
  const Verified part = part_of(copy.verified, pg::only_rows(plan.selection.header));
  const std::vector<std::string> tables = tables_to_fill(part.archive);
  const pg::SessionSettings settings =
      backup.manifest ? backup.manifest->settings : pg::SessionSettings();
  pg::prepare_comparison(session, part.archive, settings);
  context.log.info("loading rows", {{"tables", std::to_string(tables.size())}});

  pg::Transaction transaction(session);
  pg::lock_tables(session, plan.present.tables);
  session.query(
      "set constraints all immediate");  // what is pending keeps a table from being altered
  const std::vector<pg::Dependant> keys = pg::foreign_keys_to(session, plan.present);
  for (const pg::Dependant& key : keys) session.query(key.undo);
  const std::vector<std::string> forced = stop_forcing(session, tables, keys);
  const std::vector<std::string> triggers = silence_triggers(session, tables);
  if (job.mode == TablesMode::kReplaceRows) {
    std::vector<std::string> all;  // whatever lies below a table is a part of it
    for (const pg::TableName& table : plan.present.tables) all.push_back(pg::quoted(table));
    for (const pg::TableName& table : plan.emptied) {
      context.log.warning("emptied, and the backup has no rows for it",
                          {{"table", pg::shown(table)}});
    }
    session.query("truncate table " + join(all, ", "));
  } else {
    refuse_filled(session, tables);
  }
  load_rows(job, part, copy, session, context, progress);
  context.log.info("comparing the rows with the backup's");
  pg::Comparison comparison;
  prove(session, part, !settings.empty(), comparison);
  check_again(session, keys);
  for (const std::string& statement : triggers) session.query(statement);
  for (const std::string& statement : forced) session.query(statement);
  set_sequences_forward(session, part.archive, context);
  check_stop(context.stop);
  transaction.commit();
  return comparison;
}

}  // namespace pgstow
