#include "pg/server.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "pg/server_error.h"

namespace pgstow::pg {
namespace {

constexpr std::int64_t kBackupLock = 0x7067'7374'6F77'0001;  // "pgstow" and a number

Time from_epoch_ms(std::int64_t ms) { return Time(std::chrono::milliseconds(ms)); }

// Objects that pg_dump would dump: not the system's, not temporary, not made by an extension.
constexpr const char* kOurs = R"(
  n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                    and d.deptype = 'e'))";

void append(std::vector<std::string>& to, const Result& rows, const char* pattern) {
  for (int i = 0; i < rows.rows(); ++i) {
    to.push_back(fmt::format(fmt::runtime(pattern), printable(rows.text(i, 0))));
  }
}

}  // namespace

ServerFacts server_facts(Connection& connection) {
  const Result r = connection.query(R"(
    select pg_catalog.current_setting('server_version'),
           pg_catalog.current_database(),
           pg_catalog.pg_encoding_to_char(d.encoding),
           current_user,
           r.rolsuper, r.rolsuper or r.rolcreatedb,
           pg_catalog.pg_is_in_recovery(),
           pg_catalog.pg_database_size(d.oid),
           (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint
    from pg_catalog.pg_database d, pg_catalog.pg_roles r
    where d.datname = pg_catalog.current_database() and r.rolname = current_user)");
  ServerFacts facts;
  facts.version_number = connection.server_version();
  facts.version = r.text(0, 0);
  facts.database = r.text(0, 1);
  facts.encoding = r.text(0, 2);
  facts.user = r.text(0, 3);
  facts.superuser = r.flag(0, 4);
  facts.can_create_databases = r.flag(0, 5);
  facts.standby = r.flag(0, 6);
  facts.database_bytes = static_cast<std::uint64_t>(r.number(0, 7));
  facts.now = from_epoch_ms(r.number(0, 8));
  const Result may_ask = connection.query(
      "select pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')");
  if (may_ask.flag(0, 0)) {
    facts.system_identifier =
        connection.query("select system_identifier from pg_catalog.pg_control_system()").text(0, 0);
  }
  return facts;
}

void forbid_timeouts(Connection& session) {
  session.query("set statement_timeout = 0");
  session.query("set lock_timeout = 0");
  session.query("set idle_in_transaction_session_timeout = 0");
  if (session.server_version() >= 140000) session.query("set idle_session_timeout = 0");
  if (session.server_version() >= 170000) session.query("set transaction_timeout = 0");
}

Snapshot export_snapshot(Connection& connection) {
  const Result r = connection.query(R"(
    select pg_catalog.pg_export_snapshot(),
           (extract(epoch from pg_catalog.statement_timestamp()) * 1000)::bigint,
           case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                else pg_catalog.pg_current_wal_lsn() end)");
  return {.id = r.text(0, 0), .time = from_epoch_ms(r.number(0, 1)), .lsn = r.text(0, 2)};
}

void end_snapshot(Connection& connection) {
  constexpr std::chrono::seconds kPatience{30};
  connection.query_within(kPatience, "commit");
}

SessionSettings session_settings(Connection& connection) {
  const Result r = connection.query(R"(
    select name, pg_catalog.current_setting(name) from pg_catalog.pg_settings
    where name in ('TimeZone', 'bytea_output', 'lc_monetary', 'xmlbinary'))");
  SessionSettings settings;
  for (int i = 0; i < r.rows(); ++i) settings[r.text(i, 0)] = r.text(i, 1);
  return settings;
}

void write_rows_as_pg_dump(Connection& session) {
  forbid_timeouts(session);
  session.query(
      "set datestyle = iso; set intervalstyle = postgres; set extra_float_digits = 3; "
      "set synchronize_seqscans = off; set row_security = off");
}

void read_as_pg_dump(Connection& session, const std::string& encoding) {
  write_rows_as_pg_dump(session);
  session.query("set client_encoding = " + encoding);
  session.query(
      "select pg_catalog.set_config(name, 'view, foreign-table', false) "
      "from pg_catalog.pg_settings where name = 'restrict_nonsystem_relation_kind'");
}

std::map<std::string, TableSize> table_sizes(Connection& connection) {
  // pg_class's own numbers: pg_table_size() would wait for every table's lock.
  const Result r = connection.query(R"(
    select c.oid,
           (c.relpages + coalesce(t.relpages, 0))::bigint *
             pg_catalog.current_setting('block_size')::bigint,
           greatest(c.reltuples, 0)
    from pg_catalog.pg_class c left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
    where c.relkind = 'r')");
  std::map<std::string, TableSize> sizes;
  for (int i = 0; i < r.rows(); ++i) {
    sizes[r.text(i, 0)] = {.bytes = static_cast<std::uint64_t>(r.number(i, 1)),
                           .rows = std::strtod(r.text(i, 2).c_str(), nullptr)};
  }
  return sizes;
}

std::vector<std::string> left_out(Connection& connection, const ServerFacts& server) {
  std::vector<std::string> lines;
  if (!server.standby) return lines;
  append(lines,
         connection.query(fmt::format(R"(
    select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where {} and c.relkind = 'r' and c.relpersistence = 'u' order by 1)",
                                      kOurs)),
         "unlogged table {}: a standby does not have its rows, so they are left out");
  return lines;
}

std::vector<std::string> missing_rights(Connection& connection) {
  const auto ask = [&](const std::string& what, const std::string& where) {
    return connection.query(
        fmt::format("select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n "
                    "on n.oid = c.relnamespace where {} and {} order by 1",
                    what, kOurs, where));
  };
  std::vector<std::string> missing;
  const std::string full_name =
      "pg_catalog.quote_ident(n.nspname) || '.' || "
      "pg_catalog.quote_ident(c.relname)";
  append(missing,
         ask("distinct pg_catalog.quote_ident(n.nspname)",
             "not pg_catalog.has_schema_privilege(n.oid, 'usage')"),
         "schema {}: no USAGE");
  append(missing,
         ask(full_name,
             "c.relkind in ('r', 'p') and not "
             "pg_catalog.has_table_privilege(c.oid, 'select')"),
         "table {}: no SELECT");
  append(missing,
         ask(full_name,
             "case when c.relkind = 'S' then not "  // fails on what is no sequence
             "pg_catalog.has_sequence_privilege(c.oid, 'select') end"),
         "sequence {}: no SELECT");
  append(missing, ask(full_name, "c.relrowsecurity and pg_catalog.row_security_active(c.oid)"),
         "table {}: row-level security hides rows (the role needs BYPASSRLS)");
  append(missing, connection.query(R"(
    select l.oid from pg_catalog.pg_largeobject_metadata l
    where not (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
      and not pg_catalog.pg_has_role(l.lomowner, 'usage')
      and not exists (select from pg_catalog.aclexplode(l.lomacl) a
                      where a.privilege_type = 'SELECT'
                        and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'usage')))
    order by 1 limit 20)"),
         "large object {}: no SELECT");
  return missing;
}

void lock_backup(Connection& session) {
  // Advisory locks are each database's own (pg_locks.database), so one key does for all.
  const std::string key = std::to_string(kBackupLock);
  if (session.query("select pg_catalog.pg_try_advisory_lock($1::bigint)", {key}).flag(0, 0)) return;
  const Result holder = session.query(
      "select a.pid, coalesce(host(a.client_addr), 'this server''s host'), "
      "coalesce(a.backend_start::timestamp(0)::text, '?') "
      "from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid "
      "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
      "and (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint "
      "and l.database = (select oid from pg_catalog.pg_database "
      "                  where datname = pg_catalog.current_database())",
      {key});
  const std::string who =
      holder.rows() == 0 ? "another session"
                         : fmt::format("server process {}, from {} since {}", holder.text(0, 0),
                                       holder.text(0, 1), holder.text(0, 2));
  throw Locked(
      fmt::format("a backup of {} is already running: {}", printable(session.database()), who),
      "one backup of a database at a time, wherever it is started");
}

}  // namespace pgstow::pg
