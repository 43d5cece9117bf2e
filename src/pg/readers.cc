#include "pg/readers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/row_framer.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

constexpr std::uint64_t kMostObjects = 256;                // of a slice
constexpr std::size_t kHandedOver = std::size_t{1} << 20;  // bytes of them at once

// Settings of a session that reads ranges of pages. A parallel plan would give rows in any order;
// a sequential scan would read the whole table for each range.
constexpr const char* kRangeSettings =
    "set max_parallel_workers_per_gather = 0; set enable_seqscan = off; set jit = off";

// The many statements are no statistics of the owner's: servers before 16 keep each text apart, and
// would drop others for them. Only a superuser may say so.
constexpr const char* kNotInStatistics =
    "select pg_catalog.set_config('pg_stat_statements.track', 'none', false) from "
    "pg_catalog.pg_roles where rolname = current_user and rolsuper";

std::string lock_statement(const std::vector<BigTable>& tables) {
  std::string list;
  for (const BigTable& table : tables)
    list += (list.empty() ? "only " : ", only ") + table.relation;
  return "lock table " + list + " in access share mode nowait";
}

Connection open_reader(const Parameters& parameters, const LockedSnapshot& locked,
                       const LargeObjects& objects, const std::string& encoding,
                       const std::stop_token& stop) {
  Connection session = Connection::open(parameters, stop);
  read_as_pg_dump(session, encoding);
  session.query(kRangeSettings);
  if (reads_ranges(session.server_version() / 10000)) session.query("set enable_tidscan = on");
  session.query(kNotInStatistics);
  session.query("begin isolation level repeatable read, read only");
  session.query("set transaction snapshot " + quote_literal(locked.snapshot.id));
  if (!locked.tables.empty()) session.query(lock_statement(locked.tables));
  if (!objects.oids.empty()) lock_large_objects(session, objects);
  return session;
}

// Large objects count as a table after the others, and their places in the list as its pages.
std::vector<Slice> with_objects(Readers::ToRead to_read) {
  std::vector<Slice> slices = std::move(to_read.slices);
  const std::size_t count = to_read.objects.oids.size();
  if (count == 0) return slices;
  const std::uint64_t each = std::max<std::uint64_t>(to_read.objects.bytes / count, 1);
  const std::uint64_t step =
      std::clamp<std::uint64_t>(to_read.objects_bytes / each, 1, kMostObjects);
  for (std::uint64_t from = 0; from < count; from += step) {
    const std::uint64_t to = std::min<std::uint64_t>(from + step, count);
    slices.push_back(
        {.table = to_read.tables.size(), .from = from, .to = to, .bytes = each * (to - from)});
  }
  return slices;
}

std::vector<std::size_t> expected_of(const std::vector<Slice>& slices) {
  std::vector<std::size_t> bytes;
  bytes.reserve(slices.size());
  for (const Slice& slice : slices) bytes.push_back(slice.bytes);
  return bytes;
}

}  // namespace

ReaderSessions open_readers(const Connection& leader, unsigned wanted, const LockedSnapshot& locked,
                            const LargeObjects& objects, const std::string& encoding,
                            const Context& context) {
  Parameters parameters = leader.parameters_for_children();
  parameters["fallback_application_name"] = "pgstow reader";
  ReaderSessions sessions;
  try {
    while (sessions.open.size() < wanted) {
      sessions.open.push_back(open_reader(parameters, locked, objects, encoding, context.stop));
    }
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& e) {
    const auto* refused = dynamic_cast<const ServerError*>(&e);
    sessions.raced = refused != nullptr && refused->sqlstate() == kLockNotAvailable;
    if (!sessions.raced) {
      context.log.warning("a reader could not begin: there are fewer than asked for",
                          {{"readers", std::to_string(sessions.open.size())},
                           {"asked", std::to_string(wanted)},
                           {"cause", e.what()}});
    }
  }
  return sessions;
}

Readers::Readers(std::vector<Connection> sessions, ToRead to_read, std::size_t ahead_bytes,
                 Wait wait)
    : sessions_(std::move(sessions)),
      tables_(to_read.tables),
      objects_(to_read.objects),
      slices_(with_objects(std::move(to_read))),
      wait_(std::move(wait)),
      stage_(expected_of(slices_), ahead_bytes) {
  for (Connection& session : sessions_) {
    threads_.emplace_back([this, &session](const std::stop_token& stop) { work(session, stop); });
  }
}

Readers::~Readers() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void Readers::work(Connection& session, const std::stop_token& stop) {
  try {
    session.stop_by(stop);
    // The room comes before the statement: one that waited for it in the middle would keep a page
    // pinned, which VACUUM and, on a standby, recovery would wait for.
    while (const auto lane = stage_.open(stop)) {
      read(session, *lane, stop);
      stage_.end(*lane);
    }
    session.query("commit");
  } catch (...) {
    stage_.fail(std::current_exception());
  }
}

void Readers::read(Connection& session, std::size_t lane, const std::stop_token& stop) {
  const bool objects = are_objects(slices_[lane].table);
  try {
    if (objects) {
      read_objects(session, lane, stop);
    } else {
      read_table(session, lane, stop);
    }
  } catch (Error& e) {
    e.within("reading " +
             (objects ? "large objects" : printable(tables_[slices_[lane].table].relation)));
    if (conflicts_with_recovery(e.what())) throw Transient(e.what(), kConflictHint);
    throw;
  }
}

void Readers::read_table(Connection& session, std::size_t lane, const std::stop_token& stop) {
  const Slice& slice = slices_[lane];
  RowFramer framer([&](FramedRows rows) {
    const std::size_t bytes = rows.chunks.size();
    stage_.put(lane, std::move(rows), bytes, stop);
  });
  // A range is planned, which locks each index of the table up to the transaction's end
  // (get_relation_info() in plancat.c); the server has not room for all of them.
  if (!slice.whole()) session.query("savepoint slice");
  const std::uint64_t sent = session.copy_out(copy_statement(tables_[slice.table], slice),
                                              [&](std::string_view row) { framer.add(row); });
  if (!slice.whole()) session.query("rollback to savepoint slice; release savepoint slice");
  if (const std::uint64_t taken = framer.finish(); taken != sent) {
    throw Error(fmt::format("{} rows came, of {} that the server sent", taken, sent));
  }
}

void Readers::read_objects(Connection& session, std::size_t lane, const std::stop_token& stop) {
  const Slice& slice = slices_[lane];
  Objects pieces;
  std::size_t bytes = 0;
  const auto hand_over = [&] {
    if (!pieces.empty()) stage_.put(lane, std::exchange(pieces, {}), std::exchange(bytes, 0), stop);
  };
  read_large_objects(session, std::span(objects_.oids).subspan(slice.from, *slice.to - slice.from),
                     [&](std::uint32_t oid, bool begins, std::string_view contents) {
                       pieces.push_back({oid, begins, std::string(contents)});
                       bytes += sizeof(ObjectPiece) + contents.size();
                       if (bytes >= kHandedOver) hand_over();
                     });
  hand_over();
}

std::optional<FramedRows> Readers::next(std::size_t table) {
  std::optional<Piece> piece = take(table);
  if (!piece) return std::nullopt;
  return std::get<FramedRows>(*std::move(piece));
}

std::optional<std::vector<ObjectPiece>> Readers::next_objects() {
  std::optional<Piece> piece = take(tables_.size());
  if (!piece) return std::nullopt;
  return std::get<Objects>(*std::move(piece));
}

std::optional<Readers::Piece> Readers::take(std::size_t table) {
  for (; due_ < slices_.size() && slices_[due_].table == table; ++due_) {
    try {
      if (auto piece = stage_.take(wait_)) return piece;
    } catch (const Transient& e) {
      if (!e.hint().empty()) throw;
      if (are_objects(table)) {
        throw Transient(std::string("reading large objects: ") + e.what(),
                        "is the server stuck or out of reach?");
      }
      throw Transient(
          std::string("reading tables: ") + e.what(),
          "is the server stuck or out of reach? A table may hold long stretches without "
          "rows: then raise BACKUP_STALL_TIMEOUT");
    }
  }
  return std::nullopt;
}

}  // namespace pgstow::pg
