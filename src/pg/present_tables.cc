#include "pg/present_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

// Everything that goes where the tables $1 go: as (class, oid).
constexpr std::string_view kTheirs = R"(
with tab as (select pg_catalog.unnest($1::oid[]) as oid),
rel as (
  select oid from tab
  union select indexrelid from pg_catalog.pg_index where indrelid in (select oid from tab)
  union select d.objid from pg_catalog.pg_depend d
    join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
    where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid in (select oid from tab)),
typ as (
  select t.oid, t.typarray from pg_catalog.pg_type t where t.typrelid in (select oid from tab)),
theirs(class, oid) as (
  select 'pg_catalog.pg_class'::regclass::oid, oid from rel
  union all select 'pg_catalog.pg_type'::regclass, oid from typ
  union all select 'pg_catalog.pg_type'::regclass, typarray from typ
  union all select 'pg_catalog.pg_constraint'::regclass, oid from pg_catalog.pg_constraint
    where conrelid in (select oid from tab)
  union all select 'pg_catalog.pg_attrdef'::regclass, oid from pg_catalog.pg_attrdef
    where adrelid in (select oid from tab)
  union all select 'pg_catalog.pg_trigger'::regclass, oid from pg_catalog.pg_trigger
    where tgrelid in (select oid from tab) or tgconstraint in (
      select oid from pg_catalog.pg_constraint where conrelid in (select oid from tab))
  union all select 'pg_catalog.pg_policy'::regclass, oid from pg_catalog.pg_policy
    where polrelid in (select oid from tab)
  union all select 'pg_catalog.pg_rewrite'::regclass, oid from pg_catalog.pg_rewrite
    where ev_class in (select oid from tab)
  union all select 'pg_catalog.pg_statistic_ext'::regclass, oid from pg_catalog.pg_statistic_ext
    where stxrelid in (select oid from tab)
  union all select 'pg_catalog.pg_class'::regclass, oid from pg_catalog.pg_class
    where relnamespace = 'pg_toast'::regnamespace))";

// What depends on any of it and is none of it.
constexpr std::string_view kDependants = R"(,
dependants as (
  select distinct d.classid, d.objid from pg_catalog.pg_depend d
  join theirs t on t.class = d.refclassid and t.oid = d.refobjid
  where not exists (select from theirs o where o.class = d.classid and o.oid = d.objid)))";

std::string oids_of(const PresentTables& present) { return "{" + join(present.oids, ",") + "}"; }

std::string qualified(const Result& r, int row, int schema_column) {
  return quoted({.schema = r.text(row, schema_column), .name = r.text(row, schema_column + 1)});
}

std::string name_shown(const Result& r, int row, int schema_column) {
  return shown({.schema = r.text(row, schema_column), .name = r.text(row, schema_column + 1)});
}

// The oids of those names that are tables; others that have such a name are obstacles.
std::vector<std::string> find_roots(Connection& session, const std::vector<TableName>& names,
                                    PresentTables& present) {
  std::vector<std::string> roots;
  for (const TableName& name : names) {
    const Result r = session.query(
        "select c.oid, c.relkind, pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, "
        "c.oid, 0) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
        "c.relnamespace where n.nspname = $1 and c.relname = $2",
        {name.schema, name.name});
    if (r.rows() == 0) continue;
    if (std::string_view("rpf").find(r.text(0, 1)) != std::string_view::npos) {
      roots.push_back(r.text(0, 0));
    } else {
      present.obstacles.push_back(printable(r.text(0, 2)) + " has the name of a table to restore");
    }
  }
  return roots;
}

void find_tree(Connection& session, const std::vector<std::string>& roots, PresentTables& present) {
  const Result r = session.query(
      "with recursive tree as (select pg_catalog.unnest($1::oid[]) as oid union "
      "select i.inhrelid from tree t join pg_catalog.pg_inherits i on i.inhparent = t.oid) "
      "select c.oid, n.nspname, c.relname from tree t join pg_catalog.pg_class c on c.oid = t.oid "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "order by n.nspname collate \"C\", c.relname collate \"C\"",
      {"{" + join(roots, ",") + "}"});
  for (int i = 0; i < r.rows(); ++i) {
    present.oids.push_back(r.text(i, 0));
    present.tables.push_back({.schema = r.text(i, 1), .name = r.text(i, 2)});
  }
}

void find_parents(Connection& session, PresentTables& present) {
  const Result r = session.query(
      "select c.relispartition, n.nspname, c.relname, pn.nspname, p.relname "
      "from pg_catalog.pg_inherits i "
      "join pg_catalog.pg_class c on c.oid = i.inhrelid "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "join pg_catalog.pg_class p on p.oid = i.inhparent "
      "join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace "
      "where i.inhrelid = any ($1::oid[]) and i.inhparent <> all ($1::oid[]) order by 2, 3",
      {oids_of(present)});
  for (int i = 0; i < r.rows(); ++i) {
    if (r.flag(i, 0)) {
      present.untie.push_back(fmt::format("alter table {} detach partition {}", qualified(r, i, 3),
                                          qualified(r, i, 1)));
    } else {
      present.obstacles.push_back(fmt::format("{} inherits from {}: restore that table, too",
                                              name_shown(r, i, 1), name_shown(r, i, 3)));
    }
  }
}

// A kept table must not stand in the way of deletions elsewhere, nor lose rows by them.
void find_own_foreign_keys(Connection& session, PresentTables& present) {
  const Result r = session.query(
      "select n.nspname, c.relname, k.conname from pg_catalog.pg_constraint k "
      "left join pg_catalog.pg_constraint above on above.oid = k.conparentid "
      "join pg_catalog.pg_class c on c.oid = k.conrelid "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "where k.contype = 'f' and k.conrelid = any ($1::oid[]) and k.confrelid <> all ($1::oid[]) "
      "and (k.conparentid = 0 or above.conrelid <> all ($1::oid[])) order by 1, 2, 3",
      {oids_of(present)});
  for (int i = 0; i < r.rows(); ++i) {
    present.untie.push_back(fmt::format("alter table {} drop constraint {}", qualified(r, i, 0),
                                        quote_identifier(r.text(i, 2))));
  }
}

// Those that partitions have of their parents come and go with these.
std::vector<Dependant> foreign_keys(Connection& session, const PresentTables& present,
                                    bool of_others_only) {
  const Result r = session.query(
      "select n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid), "
      "pg_catalog.obj_description(k.oid, 'pg_constraint') from pg_catalog.pg_constraint k "
      "join pg_catalog.pg_class c on c.oid = k.conrelid "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "where k.contype = 'f' and k.confrelid = any ($1::oid[]) and k.conparentid = 0 "
      "and not ($2::boolean and k.conrelid = any ($1::oid[])) order by 1, 2, 3",
      {oids_of(present), of_others_only ? "true" : "false"});
  std::vector<Dependant> keys;
  for (int i = 0; i < r.rows(); ++i) {
    const std::string table = qualified(r, i, 0);
    const std::string name = quote_identifier(r.text(i, 2));
    Dependant key{
        .what = fmt::format("foreign key {} of {}", printable(r.text(i, 2)), name_shown(r, i, 0)),
        .undo = fmt::format("alter table {} drop constraint {}", table, name),
        .redo = {fmt::format("alter table {} add constraint {} {}", table, name, r.text(i, 3))},
        .table = table};
    if (!r.null(i, 4)) {
      key.redo.push_back(fmt::format("comment on constraint {} on {} is {}", name, table,
                                     quote_literal(r.text(i, 4))));
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

// A view keeps its privileges, comments and own dependants: it is given its query again.
void find_views(Connection& session, PresentTables& present) {
  const Result r = session.query(
      fmt::format("{}{} select distinct n.nspname, c.relname, "
                  "pg_catalog.array_to_string(c.reloptions, ', '), "
                  "pg_catalog.pg_get_viewdef(c.oid) from dependants d "
                  "join pg_catalog.pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::regclass "
                  "and w.oid = d.objid join pg_catalog.pg_class c on c.oid = w.ev_class and "
                  "c.relkind = 'v' and w.rulename = '_RETURN' "
                  "join pg_catalog.pg_namespace n on n.oid = c.relnamespace order by 1, 2",
                  kTheirs, kDependants),
      {oids_of(present)});
  for (int i = 0; i < r.rows(); ++i) {
    const std::string options = r.null(i, 2) ? "" : fmt::format(" with ({})", r.text(i, 2));
    present.dependants.push_back(
        {.what = "view " + name_shown(r, i, 0),
         .undo = {},
         .redo = {fmt::format("create or replace view {}{} as {}", qualified(r, i, 0), options,
                              r.text(i, 3))}});
  }
}

void find_obstacles(Connection& session, PresentTables& present) {
  const Result r = session.query(
      fmt::format(
          "{}{} select distinct pg_catalog.pg_describe_object(case when m.oid is null then "
          "d.classid else 'pg_catalog.pg_class'::regclass end, coalesce(m.oid, d.objid), 0) "
          "from dependants d "
          "left join pg_catalog.pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::regclass "
          "and w.oid = d.objid "
          "left join pg_catalog.pg_class v on v.oid = w.ev_class and v.relkind = 'v' "
          "and w.rulename = '_RETURN' "
          "left join pg_catalog.pg_class m on m.oid = w.ev_class and m.relkind = 'm' "
          "left join pg_catalog.pg_constraint k on d.classid = "
          "'pg_catalog.pg_constraint'::regclass and k.oid = d.objid and k.contype = 'f' "
          "where v.oid is null and k.oid is null order by 1",
          kTheirs, kDependants),
      {oids_of(present)});
  for (int i = 0; i < r.rows(); ++i) {
    present.obstacles.push_back(printable(r.text(i, 0)) + " depends on it");
  }
  const Result members = session.query(
      "select n.nspname, c.relname, e.extname from pg_catalog.pg_depend d "
      "join pg_catalog.pg_class c on c.oid = d.objid "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "join pg_catalog.pg_extension e on e.oid = d.refobjid "
      "where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e' "
      "and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.objid = any ($1::oid[])",
      {oids_of(present)});
  for (int i = 0; i < members.rows(); ++i) {
    present.obstacles.push_back(fmt::format("{} belongs to extension {}", name_shown(members, i, 0),
                                            printable(members.text(i, 2))));
  }
  // Which the worker would look for by another oid, and pass over in silence.
  const Result fed = session.query(
      "select n.nspname, c.relname from pg_catalog.pg_subscription_rel s "
      "join pg_catalog.pg_class c on c.oid = s.srrelid "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "where s.srrelid = any ($1::oid[]) order by 1, 2",
      {oids_of(present)});
  for (int i = 0; i < fed.rows(); ++i) {
    present.obstacles.push_back(name_shown(fed, i, 0) + " is fed by a subscription");
  }
}

}  // namespace

PresentTables present_tables(Connection& session, const std::vector<TableName>& names) {
  PresentTables present;
  find_tree(session, find_roots(session, names, present), present);
  if (present.tables.empty()) return present;
  find_parents(session, present);
  find_own_foreign_keys(session, present);
  present.dependants = foreign_keys(session, present, true);
  find_views(session, present);
  find_obstacles(session, present);
  return present;
}

void lock_tables(Connection& session, const std::vector<TableName>& tables) {
  session.query("set local lock_timeout = '10s'");
  for (const TableName& table : tables) {
    const Result foreign = session.query(
        "select 1 from pg_catalog.pg_foreign_table where ftrelid = pg_catalog.to_regclass($1)",
        {quoted(table)});
    if (foreign.rows() > 0) continue;
    try {
      session.query(fmt::format("lock table {} in access exclusive mode", quoted(table)));
    } catch (const ServerError& e) {
      if (e.sqlstate() != kLockNotAvailable) throw;
      throw Error("table " + shown(table) + " is locked by another transaction",
                  "end that transaction (see pg_stat_activity) and try again");
    }
  }
}

std::vector<Dependant> foreign_keys_to(Connection& session, const PresentTables& present) {
  return foreign_keys(session, present, false);
}

std::vector<TableName> taken_names(Connection& session, const PresentTables& present,
                                   const std::vector<TableName>& names) {
  std::vector<std::string> schemas;
  std::vector<std::string> relations;
  for (const TableName& name : names) {
    schemas.push_back(name.schema);
    relations.push_back(name.name);
  }
  const Result r = session.query(
      fmt::format("{} select n.nspname, c.relname from rows from "
                  "(pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) as w(schema, "
                  "relation) join pg_catalog.pg_namespace n on n.nspname = w.schema "
                  "join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.relation "
                  "where c.oid not in (select oid from rel) order by 1, 2",
                  kTheirs),
      {oids_of(present), array_literal(schemas), array_literal(relations)});
  std::vector<TableName> taken;
  for (int i = 0; i < r.rows(); ++i) {
    taken.push_back({.schema = r.text(i, 0), .name = r.text(i, 1)});
  }
  return taken;
}

}  // namespace pgstow::pg
