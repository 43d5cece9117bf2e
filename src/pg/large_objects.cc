#include "pg/large_objects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace pgstow::pg {
namespace {

// One answer holds no more than 4 MiB: libpq takes it whole.
constexpr std::size_t kAtOnce = 256;
constexpr std::size_t kFirst = std::size_t{16} << 10;
constexpr std::size_t kNext = std::size_t{1} << 20;

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

}  // namespace

LargeObjects choose_large_objects(Connection& leader, const LargeObjectChoice& choice) {
  LargeObjects chosen;
  chosen.bytes = static_cast<std::uint64_t>(
      leader.query("select pg_catalog.pg_relation_size('pg_catalog.pg_largeobject')").number(0, 0));
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

void read_large_objects(Connection& session, std::span<const std::uint32_t> oids,
                        const ObjectPieces& to) {
  while (!oids.empty()) {
    const auto some = oids.first(std::min(oids.size(), kAtOnce));
    oids = oids.subspan(some.size());
    const Result r = session.query_bytes(
        "select pg_catalog.lo_get(o.oid, 0, $2::int) from pg_catalog.unnest($1::oid[]) with "
        "ordinality o (oid, place) order by place",
        {fmt::format("{{{}}}", fmt::join(some, ",")), std::to_string(kFirst)});
    if (std::cmp_not_equal(r.rows(), some.size())) throw Error("large objects are missing");
    for (int i = 0; i < r.rows(); ++i) {
      const std::uint32_t oid = some[static_cast<std::size_t>(i)];
      const std::string_view piece = r.bytes(i, 0);
      to(oid, true, piece);
      if (piece.size() == kFirst) read_rest(session, oid, to);
    }
  }
}

}  // namespace pgstow::pg
