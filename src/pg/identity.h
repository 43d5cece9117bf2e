// Which of all running servers it is that answers.
//
// Two addresses of one container may lead to different servers: the engine tells them as they are
// where it runs, which may be in a network of its own (an engine without root's rights) or on
// another host (a forwarded socket).
#pragma once

#include <array>
#include <string>

#include "base/fd.h"
#include "pg/connection.h"
#include "pg/runner.h"

namespace pgstow::pg {

// A query that any role may ask in any database, in any version. Its answer is one line that people
// can read, too, "PostgreSQL 15.20 at port 5432, started 2026-11-27 03:00:00.123456 UTC": the same
// by every way to one server as long as that runs, and another one for each other server.
extern const char* const kIdentityQuery;

// Where it can be asked when the database that is meant is not there.
constexpr std::array<const char*, 2> kOtherDatabases{"postgres", "template1"};

// The answer of the server that programs meet where `runner` runs them, by the psql there. Throws
// ProcessFailed with psql's words, Transient when nothing comes for wait.stall.
std::string identity_there(const Runner& runner, const Parameters& server, const Wait& wait);

}  // namespace pgstow::pg
