#include "pg/table_swap.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/database.h"
#include "pg/row_security.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"
#include "pg/transaction.h"

namespace pgstow::pg {
namespace {

// Runs what belongs to `what`, which an error names.
void run(Connection& session, const std::string& statement, const std::string& what,
         const char* hint) {
  try {
    session.query(statement);
  } catch (const ServerError& e) {
    throw ServerError(fmt::format("{}: {}", what, e.what()), e.sqlstate(),
                      e.hint().empty() ? hint : e.hint());
  }
}

void move_statistics(Connection& session, const std::string& where, const std::string& parameter,
                     const std::string& to) {
  const Result r = session.query(
      "select n.nspname, s.stxname from pg_catalog.pg_statistic_ext s "
      "join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where " +
          where,
      {parameter});
  for (int i = 0; i < r.rows(); ++i) {
    session.query(fmt::format("alter statistics {} set schema {}",
                              quoted({.schema = r.text(i, 0), .name = r.text(i, 1)}),
                              quote_identifier(to)));
  }
}

// Indexes, constraints, owned sequences and the row's type go with a table.
void move_table(Connection& session, const TableName& table, const std::string& to) {
  session.query(fmt::format("alter table {} set schema {}", quoted(table), quote_identifier(to)));
}

void keep_present(Connection& session, const TableSwap& swap, const PresentTables& present) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < present.tables.size(); ++i) {
    const std::string& to = swap.kept.at(present.tables[i].schema);
    if (std::ranges::find(made, to) == made.end()) {
      session.query("create schema " + quote_identifier(to));
      made.push_back(to);
    }
    move_table(session, present.tables[i], to);
    move_statistics(session, "s.stxrelid = $1::oid", present.oids[i], to);
  }
}

std::vector<TableName> tables_in(Connection& session, const std::string& schema) {
  const Result r = session.query(
      "select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
      "c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'p', 'f') order by 1",
      {schema});
  std::vector<TableName> tables;
  for (int i = 0; i < r.rows(); ++i) tables.push_back({.schema = schema, .name = r.text(i, 0)});
  return tables;
}

// The last statement fails if anything is left there.
void move_out(Connection& session, const std::string& scratch, const std::string& to) {
  for (const TableName& table : tables_in(session, scratch)) move_table(session, table, to);
  move_statistics(session, "n.nspname = $1", scratch, to);
  session.query("drop schema " + quote_identifier(scratch));
}

// A value of type regclass that names a table which is replaced was looked up while that one had
// the name: it would go on pointing to the kept one.
void refuse_pointers(Connection& session, const std::string& scratch,
                     const PresentTables& present) {
  const Result columns = session.query(
      "select c.relname, a.attname from pg_catalog.pg_attribute a "
      "join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind = 'r' "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "where n.nspname = $1 and a.atttypid = 'regclass'::regtype and not a.attisdropped",
      {scratch});
  for (int i = 0; i < columns.rows(); ++i) {
    const Result found =
        session.query(fmt::format("select 1 from only {} where {} = any ($1::oid[]) limit 1",
                                  quoted({.schema = scratch, .name = columns.text(i, 0)}),
                                  quote_identifier(columns.text(i, 1))),
                      {"{" + join(present.oids, ",") + "}"});
    if (found.rows() == 0) continue;
    throw Error(
        fmt::format("column {} of {} holds, as regclass, a table that would be replaced: it "
                    "would go on meaning the present one",
                    printable(columns.text(i, 1)), printable(columns.text(i, 0))),
        "take the rows only, with --data-only --replace-rows");
  }
}

void make_ties(Connection& session, const TableSwap& swap) {
  for (const Tie& tie : swap.ties) {
    if (!tie.entry.defn) continue;
    run(session, *tie.entry.defn,
        fmt::format("{} {}", lower(tie.entry.desc), printable(tie.entry.tag)),
        "the rows of the backup don't fit those that are there now: restore the other table, too, "
        "or give the restored one a name of its own with --as NAME");
  }
}

void redo(Connection& session, const std::vector<Dependant>& dependants) {
  for (const Dependant& dependant : dependants) {
    for (const std::string& statement : dependant.redo) {
      run(session, statement, dependant.what + " can't be led over to the restored table",
          "restore what it belongs to as well, or give the restored table a name of its own with "
          "--as NAME");
    }
  }
}

void refuse_changes(const PresentTables& expected, const PresentTables& now) {
  const auto whats = [](const PresentTables& present) {
    std::vector<std::string> list;
    for (const Dependant& dependant : present.dependants) list.push_back(dependant.what);
    return list;
  };
  if (now.oids == expected.oids && now.tables == expected.tables && whats(now) == whats(expected) &&
      now.obstacles == expected.obstacles) {
    return;
  }
  throw Error("the present tables, or what depends on them, have changed since the restore began",
              "look what happened, and start the restore again");
}

// The beginning of a text in UTF-8, at most so many bytes of whole characters.
std::string cut(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return text.substr(0, most);
}

// Names for a new table's relations beside another one.
class NewNames {
 public:
  NewNames(Connection& session, std::string old_root, TableName name)
      : session_(session), old_root_(std::move(old_root)), name_(std::move(name)) {}

  // orders_pkey of orders, as copy: copy_pkey; its index by_day: copy_by_day. Free in the schema it
  // goes to, and in the one where it is.
  std::string of(const std::string& old, const std::string& scratch) {
    if (old == old_root_) return name_.name;
    const bool begins = old.starts_with(old_root_ + "_");
    const std::string rest = begins ? old.substr(old_root_.size()) : "_" + old;
    for (int number = 0;; ++number) {
      const std::string last = number == 0 ? "" : std::to_string(number);
      const std::string end = cut(rest, kMaxName - last.size()) + last;
      const std::string candidate = cut(name_.name, kMaxName - end.size()) + end;
      if (!is_free(candidate, name_.schema) || !is_free(candidate, scratch)) continue;
      if (given_.insert(candidate).second) return candidate;
    }
  }

 private:
  bool is_free(const std::string& candidate, const std::string& schema) {
    return session_
               .query(
                   "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
                   "n.oid = c.relnamespace where c.relname = $1 and n.nspname = $2",
                   {candidate, schema})
               .rows() == 0;
  }

  Connection& session_;
  std::string old_root_;
  TableName name_;
  std::set<std::string> given_;
};

void rename_all(Connection& session, const std::string& scratch, NewNames& names) {
  const Result r = session.query(
      "select c.relname, case when c.relkind in ('i', 'I') then 'index' when c.relkind = 'S' then "
      "'sequence' else 'table' end from pg_catalog.pg_class c join pg_catalog.pg_namespace n "
      "on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'p', 'f', 'S', 'i', "
      "'I') union all select s.stxname, 'statistics' from pg_catalog.pg_statistic_ext s "
      "join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where n.nspname = $1 order by 1",
      {scratch});
  for (int i = 0; i < r.rows(); ++i) {
    session.query(fmt::format("alter {} {} rename to {}", r.text(i, 1),
                              quoted({.schema = scratch, .name = r.text(i, 0)}),
                              quote_identifier(names.of(r.text(i, 0), scratch))));
  }
}

// Whoever makes a foreign key has to see all rows of both tables.
std::vector<std::string> stop_forcing(Connection& session, const TableSwap& swap,
                                      const PresentTables& present) {
  std::vector<std::string> tables;
  for (const TableName& table : swap.tables) tables.push_back(quoted(table));
  for (const Tie& tie : swap.ties) {
    if (tie.entry.desc == "FK CONSTRAINT") tables.push_back(quoted(tie.other));
  }
  for (const Dependant& dependant : present.dependants) tables.push_back(dependant.table);
  std::erase(tables, "");  // views
  return stop_forcing(session, tables);
}

std::map<std::string, std::string> schemas(const std::vector<TableName>& tables, Time time,
                                           std::string (*name)(std::string_view, Time)) {
  std::map<std::string, std::string> all;
  for (const TableName& table : tables) all.emplace(table.schema, name(table.schema, time));
  return all;
}

}  // namespace

std::vector<TableName> swap_tables(Connection& session, const TableSwap& swap,
                                   const PresentTables& expected) {
  Transaction transaction(session);
  lock_tables(session, expected.tables);
  const PresentTables present = present_tables(session, swap.tables);
  refuse_changes(expected, present);
  for (const auto& [schema, scratch] : swap.scratch) refuse_pointers(session, scratch, present);
  for (const std::string& statement : swap.prelude) session.query(statement);
  for (const Dependant& dependant : present.dependants) {
    if (!dependant.undo.empty()) session.query(dependant.undo);
  }
  for (const std::string& statement : present.untie) session.query(statement);
  keep_present(session, swap, present);
  for (const auto& [schema, scratch] : swap.scratch) move_out(session, scratch, schema);
  const std::vector<std::string> forced = stop_forcing(session, swap, present);
  make_ties(session, swap);
  redo(session, present.dependants);
  for (const std::string& statement : forced) session.query(statement);
  transaction.commit();
  return present.tables;
}

void add_table_as(Connection& session, const TableSwap& swap, const TableName& root,
                  const TableName& name) {
  Transaction transaction(session);
  session.query("set local lock_timeout = '10s'");
  NewNames names(session, root.name, name);
  for (const auto& [schema, scratch] : swap.scratch) rename_all(session, scratch, names);
  for (const auto& [schema, scratch] : swap.scratch) move_out(session, scratch, name.schema);
  transaction.commit();
}

std::map<std::string, std::string> scratch_schemas(const std::vector<TableName>& tables,
                                                   Time time) {
  return schemas(tables, time, restoring_name);
}

std::map<std::string, std::string> kept_schemas(const std::vector<TableName>& tables, Time time) {
  return schemas(tables, time, before_name);
}

std::vector<std::string> half_made_schemas(Connection& session) {
  constexpr std::string_view kMark = "__restoring_";
  const Result r = session.query(
      "select nspname from pg_catalog.pg_namespace where pg_catalog.strpos(nspname, $1) > 0 "
      "order by 1",
      {std::string(kMark)});
  std::vector<std::string> names;
  for (int i = 0; i < r.rows(); ++i) {
    const std::string name = r.text(i, 0);
    const std::size_t at = name.rfind(kMark);
    if (parse_stamp(std::string_view(name).substr(at + kMark.size()))) names.push_back(name);
  }
  return names;
}

void drop_schema(Connection& session, const std::string& schema) {
  session.query("drop schema if exists " + quote_identifier(schema) + " cascade");
}

}  // namespace pgstow::pg
