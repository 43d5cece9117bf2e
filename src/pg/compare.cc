#include "pg/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/archive_proof.h"
#include "pg/compare_plan.h"
#include "pg/row_security.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

constexpr std::int64_t kObjectPiece = 64 * 1024;
constexpr int kObjectsAtOnce = 200;

std::string encoding_of(const ArchiveHeader& archive) {
  const auto entry = std::ranges::find(archive.toc, "ENCODING", &TocEntry::desc);
  if (entry == archive.toc.end() || !entry->defn) return "SET client_encoding = 'UTF8';";
  return *entry->defn;
}

std::string unhex(std::string_view text) {  // bytea's "\x00ff"
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  }
  return out;
}

// The rest of a large object that is longer than one piece.
void add_rest(Connection& session, const std::string& oid, LargeObjectHasher& hasher) {
  for (std::int64_t offset = kObjectPiece;; offset += kObjectPiece) {
    const std::string piece =
        unhex(session
                  .query("select pg_catalog.lo_get($1::oid, $2::bigint, $3::int)",
                         {oid, std::to_string(offset), std::to_string(kObjectPiece)})
                  .text(0, 0));
    hasher.add(piece);
    if (std::cmp_less(piece.size(), kObjectPiece)) return;
  }
}

Proof large_objects(Connection& session) {
  session.query("set bytea_output = hex");
  LargeObjectHasher hasher;
  std::string after = "0";
  for (;;) {
    const Result r = session.query(
        "select oid, pg_catalog.lo_get(oid, 0, $2::int) from pg_catalog.pg_largeobject_metadata "
        "where oid > $1::oid order by oid limit $3::int",
        {after, std::to_string(kObjectPiece), std::to_string(kObjectsAtOnce)});
    for (int i = 0; i < r.rows(); ++i) {
      after = r.text(i, 0);
      hasher.begin(static_cast<std::uint32_t>(*parse_int(after)));
      const std::string piece = unhex(r.text(i, 1));
      hasher.add(piece);
      if (std::cmp_equal(piece.size(), kObjectPiece)) add_rest(session, after, hasher);
    }
    if (r.rows() < kObjectsAtOnce) return hasher.finish();
  }
}

Proof table_proof(Connection& session, const std::string& copy) {
  RowHasher hasher;
  session.copy_out(copy, [&](std::string_view row) { hasher.add(row); });
  return hasher.finish();
}

void compare_sequences(Connection& session, const ArchiveHeader& archive, Comparison& result) {
  for (const TocEntry& entry : archive.toc) {
    if (entry.desc != "SEQUENCE SET" || !entry.defn) continue;
    const SequenceState expected = parse_setval(*entry.defn);
    const Result r = session.query("select last_value, is_called from " + expected.sequence);
    if (r.number(0, 0) != expected.value || r.flag(0, 1) != expected.called) {
      result.differences.push_back(fmt::format("sequence {}: at {} instead of {}",
                                               printable(expected.sequence), r.text(0, 0),
                                               expected.value));
    }
  }
}

Proof read(Connection& session, const Group& group, const Reading& reading) {
  if (!group.counted) return table_proof(session, reading.statement);
  Proof found;
  found.rows = static_cast<std::uint64_t>(session.query(reading.statement).number(0, 0));
  return found;
}

std::string difference(const std::string& name, const Proof& expected, const Proof& found) {
  if (expected.rows != found.rows) {
    return fmt::format("table {}: {} rows instead of {}", printable(name), found.rows,
                       expected.rows);
  }
  return fmt::format("table {}: {} rows, but their contents differ", printable(name), found.rows);
}

void judge(const ComparePlan& plan, const std::vector<Proof>& found, Comparison& result) {
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const Group& group = plan.groups[i];
    const bool equal =
        group.counted ? found[i].rows == group.expected.rows : found[i] == group.expected;
    result.tables += 1;
    result.rows += found[i].rows;
    if (!equal) result.differences.push_back(difference(group.relation, group.expected, found[i]));
  }
}

std::vector<std::string> relations_of(const ComparePlan& plan) {
  std::vector<std::string> relations;
  for (const Group& group : plan.groups) relations.push_back(group.relation);
  return relations;
}

// Adds to the result what all readings of each group found together.
void read_tables(const OpenSession& open, const ComparePlan& plan, unsigned sessions,
                 const std::stop_token& stop,
                 const std::function<void(const std::string&)>& progress, Comparison& result) {
  SessionTasks<Proof> tasks(open, sessions, stop);
  for (const Reading& reading : plan.readings) {
    tasks.submit(
        [&](Connection& session) { return read(session, plan.groups[reading.group], reading); });
  }
  std::vector<Proof> found(plan.groups.size());
  std::vector<bool> told(plan.groups.size());
  for (const Reading& reading : plan.readings) {
    if (!told[reading.group]) progress(plan.groups[reading.group].relation);
    told[reading.group] = true;
    found[reading.group] += tasks.next();
  }
  judge(plan, found, result);
}

}  // namespace

// The settings pg_dump itself makes (setup_connection in pg_dump.c), and those it was run under.
void prepare_comparison(Connection& session, const ArchiveHeader& archive,
                        const SessionSettings& settings) {
  write_rows_as_pg_dump(session);
  session.query(encoding_of(archive));
  for (const auto& [name, value] : settings) {
    try {
      session.query("select pg_catalog.set_config($1, $2, false)", {name, value});
    } catch (const ServerError&) {
      // A locale that this server lacks: only columns of type money can then compare as different.
      continue;
    }
  }
}

Comparison compare(const OpenSession& open, const ArchiveHeader& archive, const ArchiveProof& proof,
                   const CompareOptions& options, const std::stop_token& stop,
                   const std::function<void(const std::string&)>& progress) {
  const auto open_prepared = [&](std::stop_token token) {
    Connection session = open(std::move(token));
    prepare_comparison(session, archive, options.settings);
    return session;
  };
  Connection session = open_prepared(stop);
  Comparison result;
  result.digests = !options.settings.empty();
  const ComparePlan plan =
      plan_comparison(session, archive, proof, result.digests, options.slice_bytes);
  FreedOwner freed(session, relations_of(plan));
  read_tables(open_prepared, plan, options.sessions, stop, progress, result);
  freed.force_again();
  compare_sequences(session, archive, result);
  if (proof.large_objects.rows > 0) {
    progress("large objects");
    if (large_objects(session) != proof.large_objects) {
      result.differences.emplace_back("large objects: their number or contents differ");
    }
  }
  return result;
}

Comparison compare_tables(Connection& session, const ArchiveHeader& archive,
                          const ArchiveProof& proof, bool digests) {
  Comparison result;
  result.digests = digests;
  const ComparePlan plan =
      plan_comparison(session, archive, proof, result.digests, UINT64_MAX);  // no slices
  std::vector<Proof> found(plan.groups.size());
  for (const Reading& reading : plan.readings) {
    found[reading.group] += read(session, plan.groups[reading.group], reading);
  }
  judge(plan, found, result);
  return result;
}

}  // namespace pgstow::pg
