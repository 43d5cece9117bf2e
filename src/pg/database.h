// Whole databases: made, dropped, and swapped under one name. All of it is done from a session in
// another database of the same server, the maintenance database.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "pg/archive.h"
#include "pg/connection.h"

namespace pgstow::pg {

// A session for such work: nothing ends it while it honestly waits, and it may write even where the
// user's or the role's settings make transactions read-only.
Connection open_maintenance(const Parameters& parameters, std::stop_token stop);

// Another one to the same server and database; without a stop, for what must not be left half-done.
Connection another_maintenance(const Connection& maintenance, std::stop_token stop = {});

// The longest name PostgreSQL keeps whole (NAMEDATALEN - 1 in pg_config_manual.h), in bytes.
constexpr std::size_t kMaxName = 63;

// Names of the databases that a restore makes beside the one it restores: NAME__restoring_STAMP
// while it is being filled, NAME__before_STAMP for the one that was replaced. A long NAME is
// shortened, with a hash of the whole, to fit PostgreSQL's 63 bytes.
std::string restoring_name(std::string_view database, Time time);
std::string before_name(std::string_view database, Time time);
// Whether it is such a name.
bool is_beside_another(std::string_view database);

bool database_exists(Connection& maintenance, const std::string& name);

// The kept (before) or half-made (restoring) databases of `database`, oldest first.
std::vector<std::string> kept_databases(Connection& maintenance, std::string_view database);
std::vector<std::string> half_made_databases(Connection& maintenance, std::string_view database);

// Whether the archive is one of a whole database, not of single tables or schemas.
bool holds_database(const ArchiveHeader& archive);

struct CreateOptions {
  bool no_owner = false;  // leaves out the settings of roles, too
  bool no_privileges = false;
};

// Creates `name` as the archive's own DATABASE entry says (encoding, locale, owner), with its
// settings, comment and privileges. On failure nothing is left behind.
void create_database(Connection& maintenance, const ArchiveHeader& archive, const std::string& name,
                     const CreateOptions& options);

// Whether the database is what a DROP DATABASE that was interrupted leaves behind: nobody can
// connect to it, and nothing can be done but drop it again.
bool is_invalid(Connection& maintenance, const std::string& name);

// Ends the sessions in it and drops it; dropping what does not exist is no error. In a session of
// its own that no stop interrupts. Throws if another transaction holds its lock for ten seconds.
void drop_database(const Connection& maintenance, const std::string& name);

// The same for one that a restore had half made: subscriptions in it, which never were connected,
// go first, since they would keep it from being dropped, and its largest tables, as the disk may be
// full.
void drop_half_made(Connection& maintenance, const std::string& name);

// One renaming: what is called `from` is called `to` afterwards.
struct Rename {
  std::string from;
  std::string to;
};

// Does all renamings in one transaction, ending the sessions in these databases. While it waits for
// them, new sessions are held at the door, and let in (or told that the database is gone) when it
// is done. Throws, with everything as it was, if one of them can't be done: also when a stop is
// asked for before the last word, and when another transaction holds a database's lock for ten
// seconds. But OutcomeUnknown when the server did not answer the last word.
void rename_databases(Connection& maintenance, const std::vector<Rename>& renames,
                      const std::stop_token& stop);

// What would keep the database from being renamed (or, if `dropped`, dropped): subscriptions,
// prepared transactions, sessions that are no clients' or that this role may not end, slots in use.
// A line each, with what to do.
std::vector<std::string> obstacles_to_replacing(Connection& maintenance,
                                                const std::string& database, bool dropped);

// Held while a restore of `database` runs, on any host and from any maintenance database: an
// advisory lock of the maintenance session. Throws Locked if another session holds it (when two
// come at the same moment, perhaps in both). Released with the session.
void lock_restore(Connection& maintenance, const std::string& database);

}  // namespace pgstow::pg
