// The beginning of a dump: snapshot and locks, pg_dump and the readers at work.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/context.h"
#include "pg/big_tables.h"
#include "pg/connection.h"
#include "pg/dump.h"
#include "pg/large_objects.h"
#include "pg/readers.h"
#include "pg/server.h"
#include "pg/tools.h"
#include "pg/waiters.h"

namespace pgstow::pg {

struct DumpPlan {
  Tool pg_dump;
  std::string encoding;  // of the archive: the database's own
  std::chrono::milliseconds lock_timeout;
  std::chrono::milliseconds stall_timeout;
  std::chrono::seconds give_way_after{0};  // somebody waits for our locks so long; 0: never
  unsigned readers = 0;                    // wanted; none: pg_dump reads everything
  std::size_t objects_from = 500;          // large ones; fewer are pg_dump's, unless they are long
  std::uint64_t table_bytes = std::uint64_t{64} << 10;  // smaller tables are pg_dump's
  std::uint64_t bytes_in_all = std::uint64_t{8} << 20;  // of tables, of objects: less is pg_dump's
  unsigned ranges_from = 2;                             // readers; one alone reads whole tables
  std::uint64_t slice_bytes = std::uint64_t{4} << 20;   // of a table, about, where they read ranges
  std::size_t buffer_bytes = std::size_t{64} << 20;     // what readers may be ahead
};

struct Dump {
  explicit Dump(const std::stop_token& outer)
      : of_the_run(outer, [stop = stop]() mutable { stop.request_stop(); }) {}

  std::stop_source stop;  // of this dump: the run's, or to give way
  std::stop_callback<std::function<void()>> of_the_run;
  LockedSnapshot locked;            // the leader's transaction keeps both
  std::set<std::string> with_rows;  // tables_with_rows(), if there are big ones
  LargeObjects objects;             // that the readers read; none: pg_dump does
  std::unique_ptr<DumpSource> source;
  std::unique_ptr<Readers> readers;  // null: there is nothing for them
  std::vector<int> holders;          // server processes that hold locks: the leader's, the readers'
  std::unique_ptr<LockWatch> watch;  // has the leader until end_dump()
};

// Returns when every table is locked, by the leader and the readers or by pg_dump. Somebody who
// wants a table for himself, just between two of our locks, would wait for us and we for him: then
// all is let go and begun again. With few sessions left on the server there are fewer readers, or
// none.
std::unique_ptr<Dump> open_dump(Connection& leader, const DumpPlan& plan, const Context& context);

// After a stop: throws Transient where it was to give way to a session that waited.
void check_gave_way(const Dump& dump);

// Lets the locks and the snapshot go, so that the server may clean up what it kept for them, when
// everything is read. The leader's session stays.
void end_dump(Dump& dump, Connection& leader);

}  // namespace pgstow::pg
