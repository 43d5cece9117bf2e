#include "pg/open_dump.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "pg/capacity.h"
#include "pg/data_patterns.h"

namespace pgstow::pg {
namespace {

constexpr std::size_t kMostTables = 2000;  // the locks of all are looked at each second
constexpr unsigned kLeftForOthers = 3;     // sessions of the server
constexpr int kTriesWithObjects = 2;       // then pg_dump reads the large objects
constexpr int kTries = 5;                  // then without locks of ours
constexpr int kMostTries = 20;
constexpr std::chrono::seconds kNextTry{1};
constexpr std::chrono::milliseconds kLook{200};

unsigned possible_readers(Connection& leader, const DumpPlan& plan, const Context& context) {
  if (plan.readers == 0) return 0;
  const unsigned free = free_sessions(leader, leader.database(), kLeftForOthers);
  const unsigned readers = std::min(plan.readers, free > 0 ? free - 1 : 0);  // one is pg_dump's
  if (readers < plan.readers) {
    context.log.info("fewer readers than asked for: the server has few sessions left",
                     {{"readers", std::to_string(readers)},
                      {"asked", std::to_string(plan.readers)},
                      {"free", std::to_string(free)}});
  }
  return readers;
}

ChooseOptions choice(Connection& leader, const DumpPlan& plan, unsigned readers) {
  return {.least_bytes = plan.table_bytes,
          .least_in_all = plan.bytes_in_all,
          .most_tables = readers == 0 ? 0 : std::min(kMostTables, lockable_tables(leader, readers)),
          .same_major = plan.pg_dump.major == leader.server_version() / 10000,
          .encoding = plan.encoding,
          .lock_timeout = plan.lock_timeout};
}

DumpOptions options_of(const Connection& leader, const DumpPlan& plan, const Dump& dump) {
  DumpOptions options{.pg_dump = plan.pg_dump,
                      .server = leader.parameters_for_children(),
                      .snapshot = dump.locked.snapshot.id,
                      .encoding = plan.encoding,
                      .lock_timeout = plan.lock_timeout,
                      .wait = {.stop = dump.stop.get_token(), .stall = plan.stall_timeout}};
  std::vector<std::string> relations;
  relations.reserve(dump.locked.tables.size());
  for (const BigTable& table : dump.locked.tables) relations.push_back(table.relation);
  options.without_rows = data_patterns(relations);
  options.without_large_objects = !dump.objects.oids.empty();
  return options;
}

// False when somebody waits for our locks before pg_dump has all of its own. A pg_dump that never
// begins is found by whoever reads it.
bool begins(const Dump& dump, Connection& leader, const DumpPlan& plan, bool holds_locks,
            const Context& context) {
  const auto began = std::chrono::steady_clock::now();
  while (!dump.source->begun(kLook)) {
    check_stop(context.stop);
    if (holds_locks && !waiters(leader, dump.holders).empty()) return false;
    if (plan.stall_timeout.count() > 0 &&
        std::chrono::steady_clock::now() - began > plan.stall_timeout) {
      break;
    }
  }
  return true;
}

// A range of pages is read through all of the server's shared buffers, a whole table through a
// small ring of them, which costs the server less: ranges pay where several sessions read one
// table.
bool read_by_ranges(const DumpPlan& plan, std::size_t readers, int server_major) {
  return readers >= plan.ranges_from && reads_ranges(server_major);
}

void start_readers(Dump& dump, std::vector<Connection> sessions, int server_major,
                   const DumpPlan& plan, const Context& context) {
  std::vector<Slice> slices = read_by_ranges(plan, sessions.size(), server_major)
                                  ? ranges_of(dump.locked.tables, plan.slice_bytes)
                                  : whole_tables(dump.locked.tables);
  for (const Connection& session : sessions) dump.holders.push_back(session.backend_pid());
  context.log.debug("readers", {{"sessions", std::to_string(sessions.size())},
                                {"tables", std::to_string(dump.locked.tables.size())},
                                {"slices", std::to_string(slices.size())},
                                {"large_objects", std::to_string(dump.objects.oids.size())}});
  dump.readers = std::make_unique<Readers>(
      std::move(sessions),
      Readers::ToRead{.tables = dump.locked.tables,
                      .slices = std::move(slices),
                      .objects = dump.objects,
                      .objects_bytes = plan.slice_bytes},
      plan.buffer_bytes, Wait{.stop = dump.stop.get_token(), .stall = plan.stall_timeout});
}

// Nothing when somebody came between.
std::unique_ptr<Dump> try_dump(Connection& leader, const DumpPlan& plan, unsigned readers,
                               bool take_objects, const Context& context) {
  auto dump = std::make_unique<Dump>(context.stop);
  std::optional<LockedSnapshot> locked = lock_big_tables(leader, choice(leader, plan, readers));
  if (!locked) return nullptr;
  dump->locked = *std::move(locked);
  dump->holders.push_back(leader.backend_pid());
  if (readers > 0 && take_objects) {
    std::optional<LargeObjects> objects = choose_large_objects(
        leader,
        {.least = plan.objects_from, .least_bytes = plan.bytes_in_all, .encoding = plan.encoding});
    if (!objects) return nullptr;
    dump->objects = *std::move(objects);
  }
  const bool objects = !dump->objects.oids.empty();
  const bool holds_locks = !dump->locked.tables.empty() || objects;
  if (holds_locks) {
    const int server_major = leader.server_version() / 10000;
    const auto tables = static_cast<unsigned>(dump->locked.tables.size());
    const unsigned wanted = objects || read_by_ranges(plan, readers, server_major)
                                ? readers
                                : std::min(readers, tables);
    ReaderSessions sessions =
        open_readers(leader, wanted, dump->locked, dump->objects, plan.encoding, context);
    if (sessions.raced) return nullptr;
    dump->with_rows = tables_with_rows(leader);
    if (sessions.open.empty()) {
      dump->locked.tables.clear();
      dump->objects = {};
    } else {
      start_readers(*dump, std::move(sessions.open), server_major, plan, context);
    }
  }
  dump->source = std::make_unique<DumpSource>(options_of(leader, plan, *dump));
  if (!begins(*dump, leader, plan, holds_locks, context)) return nullptr;
  const std::vector<std::string> rewritten = rewritten_tables(leader);
  if (rewritten.empty()) return dump;
  context.log.info("tables were emptied or rewritten while the dump began",
                   {{"tables", join(rewritten, ", ")}});
  return nullptr;
}

}  // namespace

std::unique_ptr<Dump> open_dump(Connection& leader, const DumpPlan& plan, const Context& context) {
  const unsigned readers = possible_readers(leader, plan, context);
  for (int tries = 1;; ++tries) {
    // In the end without locks of ours, so that there is nothing to come between.
    if (auto dump = try_dump(leader, plan, tries < kTries ? readers : 0, tries <= kTriesWithObjects,
                             context)) {
      dump->watch = std::make_unique<LockWatch>(
          leader, dump->holders, GiveWay{.after = plan.give_way_after, .backup = dump->stop},
          context.log);
      return dump;
    }
    leader.query("rollback");
    if (tries == kMostTries) {
      throw Transient("tables are emptied or rewritten again and again while the dump begins",
                      "make backups at a quieter time");
    }
    context.log.info("another session wants a table at this moment; beginning again",
                     {{"try", std::to_string(tries)}});
    context.clock.sleep(kNextTry, context.stop);
  }
}

void check_gave_way(const Dump& dump) {
  const std::optional<std::string> who = dump.watch->gave_way();
  if (!who) return;
  throw Transient("the backup gave way to another session that waited for its locks: " + *who,
                  "try again later; with BACKUP_GIVE_WAY_AFTER=0 others wait until it is done");
}

void end_dump(Dump& dump, Connection& leader) {
  dump.watch.reset();
  dump.readers.reset();
  end_snapshot(leader);
}

}  // namespace pgstow::pg
