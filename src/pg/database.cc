#include "pg/database.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"
#include "pg/transaction.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kRestoring = "__restoring_";
constexpr std::string_view kBefore = "__before_";
constexpr std::size_t kStampLength = 15;
constexpr std::string_view kObjectInUse = "55006";  // SQLSTATE, as the next two
constexpr std::string_view kQueryCanceled = "57014";
constexpr std::chrono::milliseconds kLockPatience{10'000};
constexpr std::chrono::milliseconds kRetryTermination{100};

// The name itself, or as much of it as leaves room for the suffix, cut at a character's start and
// told apart from others with the same beginning by a hash.
std::string shortened(std::string_view database, std::size_t room) {
  if (database.size() <= room) return std::string(database);
  const std::string hash = "~" + to_string(digest_of(database)).substr(0, 8);
  std::size_t length = room - hash.size();
  while (length > 0 && (static_cast<unsigned char>(database[length]) & 0xC0) == 0x80) --length;
  return std::string(database.substr(0, length)) + hash;
}

std::string stem(std::string_view database, std::string_view mark) {
  return shortened(database, kMaxName - mark.size() - kStampLength) + std::string(mark);
}

std::vector<std::string> databases_with(Connection& maintenance, const std::string& stem_text) {
  const Result r = maintenance.query(
      "select datname from pg_catalog.pg_database where starts_with(datname, $1) order by 1",
      {stem_text});
  std::vector<std::string> names;
  for (int i = 0; i < r.rows(); ++i) {
    std::string name = r.text(i, 0);
    if (parse_stamp(std::string_view(name).substr(stem_text.size())))
      names.push_back(std::move(name));
  }
  return names;
}

// Whether this role may end the session that `a` (of pg_stat_activity) is: pg_terminate_backend's
// rule (signalfuncs.c, pg_signal_backend).
constexpr const char* kMayEnd =
    "(select r.rolsuper or (not coalesce(o.rolsuper, false) and "
    " (pg_catalog.pg_has_role(a.usesysid, 'USAGE') or "
    "  pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))) "
    " from pg_catalog.pg_roles r left join pg_catalog.pg_roles o on o.oid = a.usesysid "
    " where r.rolname = current_user)";

// Who may not see a session's kind is shown none (pgstatfuncs.c): it may be a client.
constexpr const char* kClients =
    "from pg_catalog.pg_stat_activity a where a.datname = $1 "
    "and a.pid <> pg_catalog.pg_backend_pid() and a.usesysid is not null "
    "and coalesce(a.backend_type, 'client backend') = 'client backend'";

// Ends the clients' sessions in the database that this role may end; others leave by themselves or
// make the renaming fail.
void terminate_sessions(Connection& session, const std::string& database) {
  session.query(
      fmt::format("select pg_catalog.pg_terminate_backend(a.pid) {} and {}", kClients, kMayEnd),
      {database});
}

std::string blockers_of(Connection& session, int pid) {
  const Result r = session.query(
      "select pid, usename, coalesce(application_name, ''), datname from "
      "pg_catalog.pg_stat_activity "
      "where pid = any (pg_catalog.pg_blocking_pids($1::int))",
      {std::to_string(pid)});
  std::vector<std::string> list;
  list.reserve(static_cast<std::size_t>(r.rows()));
  for (int i = 0; i < r.rows(); ++i) {
    list.push_back(fmt::format("session {} of {} ({}) in {}", r.text(i, 0), printable(r.text(i, 1)),
                               printable(r.text(i, 2)), printable(r.text(i, 3))));
  }
  return join(list, ", ");
}

bool is_about_database(const TocEntry& entry) {
  if (entry.desc == "DATABASE PROPERTIES") return true;
  return (entry.desc == "COMMENT" || entry.desc == "SECURITY LABEL") &&
         entry.tag.starts_with("DATABASE ");
}

bool is_database_acl(const TocEntry& entry) {
  return entry.desc == "ACL" && entry.tag.starts_with("DATABASE ");
}

const TocEntry* database_entry(const ArchiveHeader& archive) {
  const auto found = std::ranges::find(archive.toc, "DATABASE", &TocEntry::desc);
  return found == archive.toc.end() ? nullptr : &*found;
}

void run_for(Connection& maintenance, const std::string& sql, const std::string& name,
             const CreateOptions& options) {
  for (const std::string& statement : split_statements(with_database_name(sql, name))) {
    if (options.no_owner && role_of_setting(statement)) continue;
    maintenance.query(statement);
  }
}

void apply_properties(Connection& maintenance, const ArchiveHeader& archive,
                      const std::string& name, const CreateOptions& options) {
  const TocEntry* database = database_entry(archive);
  if (database != nullptr && database->owner && !database->owner->empty() && !options.no_owner) {
    maintenance.query(fmt::format("alter database {} owner to {}", quote_identifier(name),
                                  quote_identifier(*database->owner)));
  }
  for (const TocEntry& entry : archive.toc) {
    const bool wanted =
        is_about_database(entry) || (is_database_acl(entry) && !options.no_privileges);
    if (wanted && entry.defn) run_for(maintenance, *entry.defn, name, options);
  }
}

// The server drops no database that has one.
void refuse_subscriptions(Connection& maintenance, const std::string& database) {
  const Result r = maintenance.query(
      "select s.subname from pg_catalog.pg_subscription s join pg_catalog.pg_database d "
      "on d.oid = s.subdbid where d.datname = $1",
      {database});
  if (r.rows() == 0) return;
  const std::string subscription = quote_identifier(r.text(0, 0));
  throw Error(fmt::format("database {} can't be dropped: subscription {} is in it",
                          printable(database), subscription),
              fmt::format("in that database: ALTER SUBSCRIPTION {0} DISABLE; ALTER SUBSCRIPTION "
                          "{0} SET (slot_name = NONE); DROP SUBSCRIPTION {0}; (its slot stays at "
                          "the publisher)",
                          subscription));
}

// One renaming in the transaction of `renamer`; `helper` looks after what is in its way.
void rename_one(Connection& renamer, Connection& helper, const Rename& rename,
                const std::stop_token& stop) {
  const int pid = renamer.backend_pid();
  std::string blockers;
  renamer.start(fmt::format("alter database {} rename to {}", quote_identifier(rename.from),
                            quote_identifier(rename.to)));
  try {
    do {
      if (stop.stop_requested()) {  // its session would go on waiting for the lock without us
        helper.query("select pg_catalog.pg_cancel_backend($1::int)", {std::to_string(pid)});
      } else {
        terminate_sessions(helper, rename.from);
        const std::string now = blockers_of(helper, pid);
        if (!now.empty()) blockers = now;
      }
    } while (!renamer.finished(kRetryTermination));
    static_cast<void>(renamer.result());
  } catch (ServerError& e) {
    if (stop.stop_requested() && e.sqlstate() == kQueryCanceled) throw Cancelled();
    if (e.sqlstate() == kLockNotAvailable && !blockers.empty()) {
      throw Error(fmt::format("database {} is locked by {}", printable(rename.from), blockers),
                  "end that transaction and try again");
    }
    throw;
  }
}

// The sessions in the database that terminate_sessions() leaves alone, a line each. Autovacuum
// makes way by itself (CountOtherDBBackends in procarray.c) and parallel workers go with their
// leader. Without a user and a kind that this role may see, it is taken for an autovacuum worker.
std::vector<std::string> lasting_sessions(Connection& maintenance, const std::string& database) {
  const Result r = maintenance.query(
      fmt::format(
          "select a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), "
          "coalesce(a.backend_type, 'client backend') from pg_catalog.pg_stat_activity a "
          "where a.datname = $1 and a.pid <> pg_catalog.pg_backend_pid() "
          "and not (a.usesysid is null and a.backend_type is null) "
          "and coalesce(a.backend_type, '') not in ('autovacuum worker', 'parallel worker') "
          "and not (a.usesysid is not null "
          "         and coalesce(a.backend_type, 'client backend') = 'client backend' and {})",
          kMayEnd),
      {database});
  std::vector<std::string> lines;
  for (int i = 0; i < r.rows(); ++i) {
    const std::string kind = r.text(i, 3);
    lines.push_back(
        kind == "client backend"
            ? fmt::format("session {} of {} ({}), which role {} may not end", r.text(i, 0),
                          printable(r.text(i, 1)), printable(r.text(i, 2)),
                          printable(maintenance.user()))
            : fmt::format("{} {} of {} ({}): a restore ends clients only; stop what runs it",
                          printable(kind), r.text(i, 0), printable(r.text(i, 1)),
                          printable(r.text(i, 2))));
  }
  return lines;
}

Connection made_writable(Connection session) {
  forbid_timeouts(session);
  session.query("set default_transaction_read_only = off");
  return session;
}

// DROP DATABASE makes a checkpoint before it frees anything, and a full disk lets that fail: what
// filled it would stay, and the server have no room. DROP TABLE frees at once. Event triggers would
// run, with our rights.
void drop_largest_tables(Connection& inside) try {
  inside.query(
      fmt::format("set lock_timeout = '{}ms'; set client_min_messages = warning",  // no notices
                  kLockPatience.count()));
  const Result r = inside.query(
      "select pg_catalog.format('%I.%I', n.nspname, c.relname) from pg_catalog.pg_class c "
      "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
      "where c.relkind = 'r' and c.oid >= 16384 "  // FirstNormalObjectId in transam.h
      "and not exists (select from pg_catalog.pg_event_trigger) "
      "order by pg_catalog.pg_total_relation_size(c.oid) desc limit 20");
  for (int i = 0; i < r.rows(); ++i) {
    inside.query(fmt::format("drop table if exists {} cascade", r.text(i, 0)));
  }
} catch (const ServerError&) {
  return;  // the database goes all the same, if it can
}

}  // namespace

Connection open_maintenance(const Parameters& parameters, std::stop_token stop) {
  return made_writable(Connection::open(parameters, std::move(stop)));
}

Connection another_maintenance(const Connection& maintenance, std::stop_token stop) {
  return made_writable(maintenance.open_another(maintenance.database(), std::move(stop)));
}

std::string restoring_name(std::string_view database, Time time) {
  return stem(database, kRestoring) + stamp(time);
}

std::string before_name(std::string_view database, Time time) {
  return stem(database, kBefore) + stamp(time);
}

bool is_beside_another(std::string_view database) {
  if (database.size() <= kStampLength) return false;
  const std::string_view stem = database.substr(0, database.size() - kStampLength);
  return (stem.ends_with(kBefore) || stem.ends_with(kRestoring)) &&
         parse_stamp(database.substr(stem.size())).has_value();
}

bool database_exists(Connection& maintenance, const std::string& name) {
  return maintenance.query("select 1 from pg_catalog.pg_database where datname = $1", {name})
             .rows() == 1;
}

std::vector<std::string> kept_databases(Connection& maintenance, std::string_view database) {
  return databases_with(maintenance, stem(database, kBefore));
}

std::vector<std::string> half_made_databases(Connection& maintenance, std::string_view database) {
  return databases_with(maintenance, stem(database, kRestoring));
}

bool holds_database(const ArchiveHeader& archive) { return database_entry(archive) != nullptr; }

void create_database(Connection& maintenance, const ArchiveHeader& archive, const std::string& name,
                     const CreateOptions& options) {
  const TocEntry* entry = database_entry(archive);
  const std::string sql =
      entry != nullptr && entry->defn
          ? *entry->defn
          : "CREATE DATABASE x WITH TEMPLATE = template0;";  // an archive of single tables has none
  try {
    run_for(maintenance, sql, name, options);
  } catch (Error& e) {
    e.within("creating database " + name);
    throw;
  }
  try {
    apply_properties(maintenance, archive, name, options);
  } catch (Error& e) {
    drop_half_made(maintenance, name);
    e.within("settings of database " + name);
    throw;
  }
}

bool is_invalid(Connection& maintenance, const std::string& name) {
  return maintenance
             .query(
                 "select 1 from pg_catalog.pg_database where datname = $1 "
                 "and datconnlimit = -2",  // DATCONNLIMIT_INVALID_DB in pg_database.h
                 {name})
             .rows() == 1;
}

void drop_database(const Connection& maintenance, const std::string& name) {
  // Cancelled in its midst, DROP DATABASE leaves an invalid database (dropdb in dbcommands.c).
  Connection session = another_maintenance(maintenance);
  session.query(fmt::format("set lock_timeout = '{}ms'", kLockPatience.count()));
  if (!database_exists(session, name)) return;
  const std::string quoted = quote_identifier(name);
  const Result is_template =
      session.query("select datistemplate from pg_catalog.pg_database where datname = $1", {name});
  if (is_template.rows() == 1 && is_template.flag(0, 0)) {
    session.query(fmt::format("alter database {} is_template false", quoted));
  }
  refuse_subscriptions(session, name);
  terminate_sessions(session, name);
  try {
    session.query(fmt::format("drop database if exists {}", quoted));
  } catch (const ServerError& e) {
    if (e.sqlstate() != kObjectInUse) throw;  // sessions came back meanwhile
    session.query(fmt::format("drop database if exists {} with (force)", quoted));
  }
}

void drop_half_made(Connection& maintenance, const std::string& name) {
  if (!database_exists(maintenance, name)) return;
  if (is_invalid(maintenance, name)) return drop_database(maintenance, name);
  terminate_sessions(maintenance, name);  // a dead restore's index build holds its lock for hours
  Connection inside = made_writable(maintenance.open_another(name, {}));
  const Result r = inside.query(
      "select subname from pg_catalog.pg_subscription s join pg_catalog.pg_database d "
      "on d.oid = s.subdbid where d.datname = pg_catalog.current_database()");
  for (int i = 0; i < r.rows(); ++i) {
    const std::string subscription = quote_identifier(r.text(i, 0));
    inside.query(fmt::format("alter subscription {} disable", subscription));
    inside.query(fmt::format("alter subscription {} set (slot_name = none)", subscription));
    inside.query(fmt::format("drop subscription {}", subscription));
  }
  drop_largest_tables(inside);
  drop_database(maintenance, name);
}

void rename_databases(Connection& maintenance, const std::vector<Rename>& renames,
                      const std::stop_token& stop) {
  // ALTER DATABASE RENAME locks the database first, which keeps new sessions out, and then waits up
  // to five seconds for the present ones to go (dbcommands.c, RenameDatabase; postinit.c,
  // InitPostgres). A second session ends them meanwhile: ended before, they could come back in
  // between. A stop is heard until the transaction is committed: what is begun here is known to be
  // done or undone when this returns.
  Connection renamer = another_maintenance(maintenance);
  Connection helper = another_maintenance(maintenance);
  try {
    Transaction transaction(renamer);
    renamer.query(fmt::format("set local lock_timeout = '{}ms'", kLockPatience.count()));
    for (const Rename& rename : renames) rename_one(renamer, helper, rename, stop);
    transaction.commit();
  } catch (Error& e) {
    e.within("renaming databases");
    throw;
  }
}

std::vector<std::string> obstacles_to_replacing(Connection& maintenance,
                                                const std::string& database, bool dropped) {
  std::vector<std::string> obstacles;
  const Result subscriptions = maintenance.query(
      "select s.subname from pg_catalog.pg_subscription s "
      "join pg_catalog.pg_database d on d.oid = s.subdbid "
      "where d.datname = $1 and (s.subenabled or $2::boolean)",
      {database, dropped ? "true" : "false"});
  for (int i = 0; i < subscriptions.rows(); ++i) {
    const std::string name = quote_identifier(subscriptions.text(i, 0));
    obstacles.push_back(
        dropped ? fmt::format("subscription {0}: DROP SUBSCRIPTION {0};", name)
                : fmt::format("subscription {0}: ALTER SUBSCRIPTION {0} DISABLE;", name));
  }
  const Result prepared = maintenance.query(
      "select gid from pg_catalog.pg_prepared_xacts where database = $1", {database});
  for (int i = 0; i < prepared.rows(); ++i) {
    obstacles.push_back(fmt::format("prepared transaction {}: COMMIT PREPARED or ROLLBACK PREPARED",
                                    printable(prepared.text(i, 0))));
  }
  for (std::string& line : lasting_sessions(maintenance, database)) {
    obstacles.push_back(std::move(line));
  }
  if (dropped) {
    const Result slots = maintenance.query(
        "select slot_name, active_pid from pg_catalog.pg_replication_slots "
        "where database = $1 and active",
        {database});
    for (int i = 0; i < slots.rows(); ++i) {
      obstacles.push_back(fmt::format("replication slot {}, in use by process {}: end its reader",
                                      printable(slots.text(i, 0)), slots.text(i, 1)));
    }
  }
  return obstacles;
}

void lock_restore(Connection& maintenance, const std::string& database) {
  const Digest digest = digest_of("pgstow restore " + database);
  const std::string key = std::to_string(static_cast<std::int64_t>(digest.low));
  const bool ours =
      maintenance.query("select pg_catalog.pg_try_advisory_lock($1::bigint)", {key}).flag(0, 0);
  // Advisory locks are each database's own, but pg_locks shows those of all. Of two that come at
  // once, each finds the other's lock: both give way, never none.
  const Result others = maintenance.query(
      "select l.pid, coalesce(d.datname, '?') from pg_catalog.pg_locks l "
      "left join pg_catalog.pg_database d on d.oid = l.database "
      "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
      "and l.pid <> pg_catalog.pg_backend_pid() "
      "and (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint",
      {key});
  if (ours && others.rows() == 0) return;
  if (ours) maintenance.query("select pg_catalog.pg_advisory_unlock($1::bigint)", {key});
  const std::string who = others.rows() == 0
                              ? ""
                              : fmt::format(": server process {}, in database {}",
                                            others.text(0, 0), printable(others.text(0, 1)));
  throw Locked("another restore of " + printable(database) + " is running on this server" + who,
               "wait for it to end");
}

}  // namespace pgstow::pg
