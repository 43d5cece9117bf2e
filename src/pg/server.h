// What a server says of itself and of one database: facts for the manifest, checks before a dump.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "pg/connection.h"

namespace pgstow::pg {

struct ServerFacts {
  int version_number = 0;         // 150020
  std::string version;            // "15.20 (Debian 15.20-0+deb12u1)"
  std::string system_identifier;  // empty where the role may not ask
  std::string database;
  std::string encoding;
  std::string user;
  bool superuser = false;
  bool can_create_databases = false;
  bool standby = false;
  std::uint64_t database_bytes = 0;
  Time now;  // the server's clock

  int major() const { return version_number / 10000; }
};

ServerFacts server_facts(Connection& connection);

// Switches off the limits that a role or database may set and that could end a session of ours
// while it honestly waits.
void forbid_timeouts(Connection& session);

// The one moment of the database that every reader sees. The connection that made it must stay in
// its transaction until the last reader has imported it.
struct Snapshot {
  std::string id;   // for SET TRANSACTION SNAPSHOT and pg_dump --snapshot
  Time time;        // the server's, just before it was taken
  std::string lsn;  // WAL position just after the snapshot was taken (on a standby: last replayed)
};

// Exports the snapshot of the connection's repeatable-read transaction, which begins with it if no
// query came before.
Snapshot export_snapshot(Connection& connection);
// Ends that transaction, so that the server may clean up what it kept for it.
void end_snapshot(Connection& connection);

// Settings of a session that shape the text of COPY: rows can only be compared when they are read
// under the same. pg_dump sets the others itself.
using SessionSettings = std::map<std::string, std::string>;
SessionSettings session_settings(Connection& connection);

// Settings that shape the text of COPY, and the time that it may take, as pg_dump makes them
// (setup_connection in pg_dump.c).
void write_rows_as_pg_dump(Connection& session);

// The same, in that encoding, and for a session that reads tables for a dump.
void read_as_pg_dump(Connection& session, const std::string& encoding);

// How large the tables are, by the OID of the table: for progress only.
struct TableSize {
  std::uint64_t bytes = 0;
  double rows = 0;  // the planner's estimate
};
std::map<std::string, TableSize> table_sizes(Connection& connection);

// What this role could not dump, one line each: tables, sequences and schemas without rights,
// tables whose rows row-level security would hide, large objects. Empty when a dump will be
// complete.
std::vector<std::string> missing_rights(Connection& connection);

// What pg_dump leaves out without a word, a line each: on a standby, the rows of unlogged tables.
std::vector<std::string> left_out(Connection& connection, const ServerFacts& server);

// Held while a backup of the session's database runs, on any host: an advisory lock of the session.
// Throws Locked, saying who, if another session holds it. Released with the session.
void lock_backup(Connection& session);

}  // namespace pgstow::pg
