#include "pg/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/archive_proof.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

constexpr std::int64_t kObjectPiece = 64 * 1024;
constexpr int kObjectsAtOnce = 200;

// Tables that were loaded through one relation: a table itself or, for the partitions that pg_dump
// loads "via partition root", the root; restored rows may lie in another partition than before.
struct Group {
  std::string relation;  // quoted, as in the COPY statement
  std::string columns;
  bool root = false;
  bool mixed = false;  // partitions with their columns in different orders: only their rows count
  std::string condition;  // WHERE ...: which of an extension's rows the user made, and were dumped
  Proof expected;
};

std::map<std::string, Group> groups_of(const ArchiveHeader& archive, const ArchiveProof& proof) {
  std::map<std::string, Group> groups;
  for (const TocEntry& entry : archive.toc) {
    const auto found = proof.tables.find(entry.dump_id);
    if (entry.desc != "TABLE DATA" || found == proof.tables.end() || !entry.copy) continue;
    const CopyTarget target = parse_copy(*entry.copy);
    Group& group = groups[target.relation];
    group.mixed = !group.relation.empty() && (group.mixed || group.columns != target.columns);
    group.relation = target.relation;
    group.columns = target.columns;
    group.root = entry.defn && entry.defn->starts_with("-- load via partition root ");
    group.expected += found->second;
  }
  return groups;
}

// The rows that were loaded through this relation; below a root there may be partitions that were
// loaded by themselves, and foreign ones that were not loaded at all.
std::string source_of(const Group& group, const std::map<std::string, Group>& all) {
  if (!group.root) return "only " + group.relation + " " + group.condition;
  std::string others;
  for (const auto& [name, other] : all) {
    if (!other.root) others += (others.empty() ? "" : ", ") + quote_literal(name) + "::regclass";
  }
  return fmt::format(
      "{} where tableoid <> all (array[{}]::oid[]) and tableoid not in "
      "(select oid from pg_catalog.pg_class where relkind = 'f')",
      group.relation, others);
}

std::string copy_statement(const Group& group, const std::map<std::string, Group>& all) {
  if (group.root || !group.condition.empty()) {
    return fmt::format("COPY (SELECT {} FROM {}) TO STDOUT", group.columns, source_of(group, all));
  }
  if (group.columns.empty()) return fmt::format("COPY {} TO STDOUT", group.relation);
  return fmt::format("COPY {} ({}) TO STDOUT", group.relation, group.columns);
}

std::string encoding_of(const ArchiveHeader& archive) {
  const auto entry = std::ranges::find(archive.toc, "ENCODING", &TocEntry::desc);
  if (entry == archive.toc.end() || !entry->defn) return "SET client_encoding = 'UTF8';";
  return *entry->defn;
}

// The settings pg_dump itself makes (setup_connection in pg_dump.c), and those it was run under.
void prepare(Connection& session, const ArchiveHeader& archive, const SessionSettings& settings) {
  session.query(
      "set datestyle = iso; set intervalstyle = postgres; set extra_float_digits = 3; "
      "set synchronize_seqscans = off; set row_security = off; set statement_timeout = 0; "
      "set lock_timeout = 0; set idle_in_transaction_session_timeout = 0; "
      "select pg_catalog.set_config('search_path', '', false)");
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

// Of an extension's tables pg_dump takes the rows that its pg_extension_config_dump() calls the
// user's (dumpTableData_copy in pg_dump.c); the others come back with CREATE EXTENSION.
void find_conditions(Connection& session, std::map<std::string, Group>& groups) {
  const Result r = session.query(
      "select c.oid, c.condition from pg_catalog.pg_extension e, "
      "rows from (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) "
      "as c(oid, condition) where c.condition <> ''");
  std::map<std::string, std::string> conditions;
  for (int i = 0; i < r.rows(); ++i) conditions[r.text(i, 0)] = r.text(i, 1);
  if (conditions.empty()) return;
  for (auto& [name, group] : groups) {
    const Result oid = session.query("select pg_catalog.to_regclass($1)::oid", {name});
    if (const auto found = conditions.find(oid.text(0, 0)); found != conditions.end()) {
      group.condition = found->second;
    }
  }
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

std::uint64_t row_count(Connection& session, const std::string& source) {
  return static_cast<std::uint64_t>(session.query("select count(*) from " + source).number(0, 0));
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

std::string difference(const std::string& name, const Proof& expected, const Proof& found) {
  if (expected.rows != found.rows) {
    return fmt::format("table {}: {} rows instead of {}", printable(name), found.rows,
                       expected.rows);
  }
  return fmt::format("table {}: {} rows, but their contents differ", printable(name), found.rows);
}

}  // namespace

Comparison compare(Connection& session, const ArchiveHeader& archive, const ArchiveProof& proof,
                   const SessionSettings& settings,
                   const std::function<void(const std::string&)>& progress) {
  Comparison result;
  result.digests = !settings.empty();
  prepare(session, archive, settings);
  std::map<std::string, Group> groups = groups_of(archive, proof);
  find_conditions(session, groups);
  for (const auto& [name, group] : groups) {
    progress(name);
    Proof found = group.expected;
    if (result.digests && !group.mixed) {
      found = table_proof(session, copy_statement(group, groups));
    } else {
      found.rows = row_count(session, source_of(group, groups));
    }
    result.tables += 1;
    result.rows += found.rows;
    if (found != group.expected)
      result.differences.push_back(difference(name, group.expected, found));
  }
  compare_sequences(session, archive, result);
  if (proof.large_objects.rows > 0) {
    progress("large objects");
    if (large_objects(session) != proof.large_objects) {
      result.differences.emplace_back("large objects: their number or contents differ");
    }
  }
  return result;
}

}  // namespace pgstow::pg
