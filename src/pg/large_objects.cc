#include "pg/large_objects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

// One answer holds no more than 4 MiB: libpq takes it whole.
constexpr std::size_t kAtOnce = 256;
constexpr std::size_t kFirst = std::size_t{16} << 10;
constexpr std::size_t kNext = std::size_t{1} << 20;

// Made in one transaction. Each is locked when its owner changes; the server's lock table holds
// some thousand locks.
constexpr std::size_t kMadeAtOnce = 200;

constexpr std::string_view kObject = "BLOB";          // up to archive 1.15: an entry each
constexpr std::string_view kGroup = "BLOB METADATA";  // from 1.16 on: an entry for many

constexpr const char* kShortly = "set local lock_timeout = '1s'";
constexpr const char* kPatiently = "set local lock_timeout = 0";

// A comment's or a label's classoid is pg_largeobject, the object's own catalogue is
// pg_largeobject_metadata.
constexpr const char* kOdd = R"(
  select from pg_catalog.pg_largeobject_metadata where lomacl is not null
  union all select from pg_catalog.pg_description where classoid in (2613, 2995)
  union all select from pg_catalog.pg_seclabel where classoid in (2613, 2995)
  union all select from pg_catalog.pg_depend where classid in (2613, 2995) and deptype = 'e')";

bool worth_it(Connection& leader, const LargeObjectChoice& choice, std::uint64_t bytes) {
  if (bytes >= choice.least_bytes) return true;
  const Result r = leader.query(
      "select count(*) from (select from pg_catalog.pg_largeobject_metadata limit $1::bigint) as a",
      {std::to_string(choice.least)});
  return std::cmp_greater_equal(r.number(0, 0), choice.least);
}

// The rest of an object that does not end with its first piece.
void read_rest(Connection& session, std::uint32_t oid, const ObjectPieces& to) {
  for (std::size_t offset = kFirst;; offset += kNext) {
    const Result r =
        session.query_bytes("select pg_catalog.lo_get($1::oid, $2::bigint, $3::int)",
                            {std::to_string(oid), std::to_string(offset), std::to_string(kNext)});
    const std::string_view piece = r.bytes(0, 0);
    if (!piece.empty()) to(oid, false, piece);
    if (piece.size() < kNext) return;
  }
}

// By the catalogue's own numbers and the statistics: pg_relation_size() would wait for a lock. A
// page of an object, of which there is one a row, is 2 KiB at most.
std::uint64_t guessed_bytes(Connection& leader) {
  const Result r = leader.query(
      "select greatest(relpages::bigint * pg_catalog.current_setting('block_size')::bigint, "
      "pg_catalog.pg_stat_get_live_tuples(oid) * 2048) from pg_catalog.pg_class where oid = 2613");
  return static_cast<std::uint64_t>(r.number(0, 0));
}

LargeObjects choose(Connection& leader, const LargeObjectChoice& choice) {
  LargeObjects chosen;
  chosen.bytes = guessed_bytes(leader);
  if (!worth_it(leader, choice, chosen.bytes)) return {};
  if (leader.query(fmt::format("select exists ({})", kOdd)).flag(0, 0)) return {};
  leader.query("set client_encoding = " + choice.encoding);
  const Result r = leader.query(R"(
    select l.oid, r.rolname from pg_catalog.pg_largeobject_metadata l
      left join pg_catalog.pg_roles r on r.oid = l.lomowner order by l.lomowner, l.oid)");
  leader.query("set client_encoding = 'UTF8'");
  chosen.oids.reserve(static_cast<std::size_t>(r.rows()));
  for (int i = 0; i < r.rows(); ++i) {
    if (r.null(i, 1)) return {};  // the owner is gone: pg_dump says what it thinks of that
    const std::string owner = r.text(i, 1);
    if (chosen.owners.empty() || chosen.owners.back().name != owner) {
      chosen.owners.push_back({.name = owner});
    }
    chosen.oids.push_back(static_cast<std::uint32_t>(r.number(i, 0)));
    chosen.owners.back().end = chosen.oids.size();
  }
  return chosen;
}

bool makes_objects(const TocEntry& entry) { return entry.desc == kObject || entry.desc == kGroup; }

std::uint32_t parse_oid(std::string_view text) {
  const std::optional<std::int64_t> oid = parse_int(text);
  if (!oid || *oid <= 0 || *oid > UINT32_MAX) {
    throw Corrupt(fmt::format("archive: \"{}\" is no large object", printable(text)));
  }
  return static_cast<std::uint32_t>(*oid);
}

// A group's are the lines of its statement.
std::vector<std::uint32_t> objects_of(const TocEntry& entry) {
  if (entry.desc == kObject) return {parse_oid(entry.oid)};
  std::vector<std::uint32_t> oids;
  const std::string lines = entry.defn.value_or("");
  for (const std::string_view line : split(lines, '\n')) {
    if (!line.empty()) oids.push_back(parse_oid(line));
  }
  return oids;
}

// As a value of type oid[].
std::string array_of(std::span<const std::uint32_t> oids) {
  return fmt::format("{{{}}}", fmt::join(oids, ","));
}

void make(Connection& session, std::span<const std::uint32_t> oids, const std::string& owner) {
  while (!oids.empty()) {
    const auto some = take_first(oids, kMadeAtOnce);
    session.query("begin");
    session.query(
        "select pg_catalog.count(pg_catalog.lo_create(oid)) from pg_catalog.unnest($1::oid[]) oid",
        {array_of(some)});
    if (!owner.empty()) {
      std::string statements;
      for (const std::uint32_t oid : some) {
        statements +=
            fmt::format("alter large object {} owner to {};", oid, quote_identifier(owner));
      }
      session.query(statements);
    }
    session.query("commit");
  }
}

}  // namespace

std::optional<LargeObjects> choose_large_objects(Connection& leader,
                                                 const LargeObjectChoice& choice) {
  try {
    leader.query(kShortly);
    LargeObjects chosen = choose(leader, choice);
    leader.query(kPatiently);
    return chosen;
  } catch (const ServerError& e) {
    if (e.sqlstate() == kLockNotAvailable) return std::nullopt;
    throw;
  }
}

void lock_large_objects(Connection& session, const LargeObjects& objects) {
  session.query(kShortly);
  // lo_get() keeps its lock of the contents. That of pg_largeobject_metadata it takes and lets go
  // for each object; a statement of ours keeps it.
  session.query("select from pg_catalog.pg_largeobject_metadata limit 1");
  session.query("select pg_catalog.lo_get($1::oid, 0, 1)", {std::to_string(objects.oids.front())});
  session.query(kPatiently);
}

std::span<const std::uint32_t> take_first(std::span<const std::uint32_t>& oids, std::size_t most) {
  const auto first = oids.first(std::min(oids.size(), most));
  oids = oids.subspan(first.size());
  return first;
}

void read_large_objects(Connection& session, std::span<const std::uint32_t> oids,
                        const ObjectPieces& to) {
  while (!oids.empty()) {
    const auto some = take_first(oids, kAtOnce);
    const Result r = session.query_bytes(
        "select pg_catalog.lo_get(o.oid, 0, $2::int) from pg_catalog.unnest($1::oid[]) with "
        "ordinality o (oid, place) order by place",
        {array_of(some), std::to_string(kFirst)});
    for (int i = 0; i < r.rows(); ++i) {
      const std::uint32_t oid = some[static_cast<std::size_t>(i)];
      const std::string_view piece = r.bytes(i, 0);
      to(oid, true, piece);
      if (piece.size() == kFirst) read_rest(session, oid, to);
    }
  }
}

void create_large_objects(Connection& session, const ArchiveHeader& archive, bool with_owners) {
  std::map<std::string, std::vector<std::uint32_t>> by_owner;
  for (const TocEntry& entry : archive.toc) {
    if (!makes_objects(entry)) continue;
    std::vector<std::uint32_t>& his = by_owner[entry.owner.value_or("")];
    const std::vector<std::uint32_t> more = objects_of(entry);
    his.insert(his.end(), more.begin(), more.end());
  }
  const std::string maker = session.query("select current_user").text(0, 0);
  for (const auto& [owner, oids] : by_owner) {
    try {
      make(session, oids, with_owners && owner != maker ? owner : "");
    } catch (Error& e) {
      e.within("making large objects of " + printable(owner));
      throw;
    }
  }
}

ArchiveHeader with_objects_made(const ArchiveHeader& archive) {
  ArchiveHeader copy = archive;
  std::erase_if(copy.toc, makes_objects);
  return copy;
}

}  // namespace pgstow::pg
