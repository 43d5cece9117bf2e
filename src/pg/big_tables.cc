#include "pg/big_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "pg/data_patterns.h"
#include "pg/server_error.h"

namespace pgstow::pg {
namespace {

// Of the patterns by which pg_dump is told of the tables: ssh and kubectl take no more than about
// twice as many bytes of arguments; so many steps take it less than half a second.
constexpr std::size_t kMostBytes = std::size_t{64} << 10;
constexpr std::uint64_t kMostSteps = 500'000'000;
// Between the look and the lock: undefined table, undefined schema, no table any more, dropped
// while it was waited for, and a deadlock with somebody who alters several.
constexpr std::string_view kGone[] = {"42P01", "3F000", "42809", "XX000", "40P01"};

// Left to pg_dump: what extensions made (it takes a part of the rows, or none), temporary tables,
// unlogged ones where they have no rows, other access methods than heap, and partitions that it
// loads through their root (getPartitioningInfo in pg_dump.c: enums hash by their OIDs).
constexpr const char* kPlain = R"(
  c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (c.relpersistence = 'p' or c.relpersistence = 'u' and not pg_catalog.pg_is_in_recovery())
  and exists (select from pg_catalog.pg_am a where a.oid = c.relam and a.amname = 'heap')
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                    and d.deptype = 'e')
  and not exists (select from pg_catalog.pg_extension e where c.oid = any (e.extconfig))
  and not (c.relispartition and exists (
        select from pg_catalog.pg_partition_ancestors(c.oid) up
          join pg_catalog.pg_partitioned_table p on p.partrelid = up.relid
          join pg_catalog.pg_opclass o on o.oid = any (p.partclass::oid[])
        where o.opcname = 'enum_ops')))";

constexpr const char* kQuoted =
    R"('"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"')";

// A name as pg_dump's fmtId() writes it. Another major's keywords differ: then all are quoted,
// which means the same.
std::string name_sql(const std::string& column, bool same_major) {
  if (same_major) return fmt::format("pg_catalog.quote_ident({})", column);
  return fmt::format(R"('"' || replace({}, '"', '""') || '"')", column);
}

struct Candidate {
  std::string oid;
  std::string relation;
};

// Whether pg_dump finds them among the server's relations before it would have read their rows. A
// name's character may cost each character of every pattern a step.
bool may_be_named(const std::vector<Candidate>& tables, std::uint64_t relations) {
  std::vector<std::string> names;
  std::size_t names_bytes = 0;
  for (const Candidate& table : tables) {
    names.push_back(table.relation);
    names_bytes += table.relation.size();
  }
  std::size_t bytes = 0;
  for (const std::string& pattern : data_patterns(names)) bytes += pattern.size();
  return tables.empty() ||
         (bytes <= kMostBytes && relations * (names_bytes / tables.size()) * bytes <= kMostSteps);
}

// By the catalogue's own numbers and the statistics: pg_relation_size() would wait for every
// table's lock. A row takes 28 bytes at least, which counts where no VACUUM has been yet.
std::vector<Candidate> candidates(Connection& leader, const ChooseOptions& options) {
  const Result r =
      leader.query(fmt::format(R"(
    select c.oid, {}, size.bytes from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_class t on t.oid = c.reltoastrelid,
      lateral (select greatest((c.relpages + coalesce(t.relpages, 0))::bigint
                                 * pg_catalog.current_setting('block_size')::bigint,
                               pg_catalog.pg_stat_get_live_tuples(c.oid) * 28) as bytes) size
    where {} and size.bytes >= {} order by size.bytes desc, c.oid limit {})",
                               kQuoted, kPlain, options.least_bytes, options.most_tables));
  std::vector<Candidate> found;
  std::uint64_t bytes = 0;
  for (int i = 0; i < r.rows(); ++i) {
    found.push_back({r.text(i, 0), r.text(i, 1)});
    bytes += static_cast<std::uint64_t>(r.number(i, 2));
  }
  if (bytes < options.least_in_all) found.clear();
  if (found.empty()) return found;
  const auto relations = static_cast<std::uint64_t>(
      leader
          .query("select count(*) from pg_catalog.pg_class where relkind in "
                 "('r', 'p', 'S', 'v', 'm', 'f')")
          .number(0, 0));
  while (!may_be_named(found, relations)) found.resize(found.size() / 2);
  return found;
}

std::string joined(const std::vector<Candidate>& tables, std::string Candidate::* field) {
  std::vector<std::string> parts;
  parts.reserve(tables.size());
  for (const Candidate& table : tables) parts.push_back(table.*field);
  return join(parts, ", ");
}

// ONLY: pg_dump does not read an inheritance child by its parent.
std::string lock_statement(const std::vector<Candidate>& tables) {
  std::string list;
  for (const Candidate& table : tables)
    list += (list.empty() ? "only " : ", only ") + table.relation;
  return "lock table " + list;
}

// Who has, or wants, more of these tables than reading: for the error.
std::string holders(Connection& leader, const std::vector<Candidate>& tables) {
  const Result r = leader.query(fmt::format(
      "select string_agg(distinct c.relname || ' is locked by server process ' || l.pid, ', ') "
      "from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation "
      "where l.mode = 'AccessExclusiveLock' and l.database = (select oid from "
      "pg_catalog.pg_database where datname = pg_catalog.current_database()) and c.oid in ({})",
      joined(tables, &Candidate::oid)));
  return printable(r.text(0, 0));
}

[[noreturn]] void throw_locked(Connection& leader, const std::vector<Candidate>& tables,
                               const ServerError& e) {
  const std::string who = holders(leader, tables);
  throw Error(fmt::format("LOCK TABLE: {}{}{}", e.what(), who.empty() ? "" : ": ", who),
              "another session holds an exclusive lock on that table (a migration?): try again "
              "later, or raise BACKUP_LOCK_TIMEOUT");
}

// False when one of them is gone. The locks do not begin the snapshot: it is newer than they are.
bool lock(Connection& leader, const std::vector<Candidate>& tables, const ChooseOptions& options) {
  if (tables.empty()) return true;
  leader.query(fmt::format("set local lock_timeout = {}", options.lock_timeout.count()));
  try {
    leader.query(lock_statement(tables) + " in access share mode");
  } catch (const ServerError& e) {
    leader.query("rollback");
    if (e.sqlstate() == kLockNotAvailable) throw_locked(leader, tables, e);
    if (std::ranges::find(kGone, e.sqlstate()) != std::end(kGone)) return false;
    throw;
  }
  leader.query("set local lock_timeout = 0");
  return true;
}

std::vector<BigTable> measure(Connection& leader, const std::vector<Candidate>& tables,
                              const ChooseOptions& options) {
  std::vector<BigTable> measured;
  if (tables.empty()) return measured;
  leader.query("set local quote_all_identifiers = off");
  const Result r = leader.query(fmt::format(
      R"(
    select c.oid, {}, {} || '.' || {},
           coalesce((select pg_catalog.string_agg({}, ', ' order by a.attnum)
                     from pg_catalog.pg_attribute a
                     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                       and a.attgenerated = ''), ''),
           pg_catalog.pg_relation_size(c.oid) /
             pg_catalog.current_setting('block_size')::bigint,
           pg_catalog.pg_table_size(c.oid)
    from pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) chosen
      join pg_catalog.pg_class c on c.oid = chosen
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where {} and c.oid in (select l.relation from pg_catalog.pg_locks l
                           where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation'
                             and l.mode = 'AccessShareLock' and l.granted)
    order by pg_catalog.pg_table_size(c.oid), n.nspname collate "C", c.relname collate "C")",
      kQuoted, name_sql("n.nspname", options.same_major), name_sql("c.relname", options.same_major),
      name_sql("a.attname", options.same_major), joined(tables, &Candidate::oid), kPlain));
  for (int i = 0; i < r.rows(); ++i) {
    const std::string columns = r.text(i, 3);
    measured.push_back({.oid = r.text(i, 0),
                        .relation = r.text(i, 1),
                        .columns = columns,
                        .copy = fmt::format("COPY {} {} FROM stdin;\n", r.text(i, 2),
                                            columns.empty() ? "" : "(" + columns + ")"),
                        .pages = static_cast<std::uint64_t>(r.number(i, 4)),
                        .bytes = static_cast<std::uint64_t>(r.number(i, 5))});
  }
  return measured;
}

}  // namespace

std::optional<LockedSnapshot> lock_big_tables(Connection& leader, const ChooseOptions& options) {
  // Names travel as the archive has them, for they are compared with it.
  leader.query("set client_encoding = " + options.encoding);
  const std::vector<Candidate> tables = candidates(leader, options);
  leader.query("begin isolation level repeatable read, read only");
  std::optional<LockedSnapshot> locked;
  if (lock(leader, tables, options)) {
    locked.emplace();
    locked->snapshot = export_snapshot(leader);
    locked->tables = measure(leader, tables, options);
  }
  leader.query("set client_encoding = 'UTF8'");
  return locked;
}

// The catalogue is seen as of the snapshot; the function sees it as it is.
std::vector<std::string> rewritten_tables(Connection& leader) {
  const Result r = leader.query(
      "select c.oid::pg_catalog.regclass from pg_catalog.pg_class c where c.relkind = 'r' and "
      "c.relpersistence <> 't' and c.relfilenode <> 0 and c.oid >= 16384 and "
      "pg_catalog.pg_relation_filenode(c.oid) <> c.relfilenode order by 1");
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(r.rows()));
  for (int i = 0; i < r.rows(); ++i) names.push_back(printable(r.text(i, 0)));
  return names;
}

std::set<std::string> tables_with_rows(Connection& leader) {
  const Result r = leader.query(
      "select oid from pg_catalog.pg_class where relkind = 'r' and "
      "(relpersistence = 'p' or not pg_catalog.pg_is_in_recovery())");
  std::set<std::string> oids;
  for (int i = 0; i < r.rows(); ++i) oids.insert(r.text(i, 0));
  return oids;
}

}  // namespace pgstow::pg
