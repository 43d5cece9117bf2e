#include "pg/compare_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "pg/slice.h"
#include "pg/sql_text.h"
#include "pg/toc_parts.h"

namespace pgstow::pg {
namespace {

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
    group.root = is_loaded_via_root(entry);
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

// The number of pages of a table that can be read in slices; 0 for any other relation.
std::uint64_t pages_of(Connection& session, const Group& group) {
  if (!reads_ranges(session.server_version() / 10000)) return 0;
  const Result r = session.query(
      "select pg_catalog.pg_relation_size(c.oid) / "
      "pg_catalog.current_setting('block_size')::bigint "
      "from pg_catalog.pg_class c join pg_catalog.pg_am a on a.oid = c.relam "
      "where c.oid = pg_catalog.to_regclass($1) and c.relkind = 'r' and a.amname = 'heap'",
      {group.relation});
  return r.rows() == 1 ? static_cast<std::uint64_t>(r.number(0, 0)) : 0;
}

// The last slice has no end: the table may have grown since its size was asked for.
void add_slices(ComparePlan& plan, std::size_t index, std::uint64_t pages, std::uint64_t slices) {
  const Group& group = plan.groups[index];
  for (std::uint64_t i = 0; i < slices; ++i) {
    std::optional<std::uint64_t> end;
    if (i + 1 < slices) end = pages * (i + 1) / slices;
    plan.readings.push_back(
        {.group = index,
         .statement = copy_range(group.relation, group.columns, pages * i / slices, end),
         .bytes = group.expected.bytes / slices});
  }
}

}  // namespace

ComparePlan plan_comparison(Connection& session, const ArchiveHeader& archive,
                            const ArchiveProof& proof, bool digests, std::uint64_t slice_bytes) {
  std::map<std::string, Group> groups = groups_of(archive, proof);
  find_conditions(session, groups);
  ComparePlan plan;
  for (auto& [name, group] : groups) {
    const std::size_t index = plan.groups.size();
    group.counted = !digests || group.mixed;
    plan.groups.push_back(group);
    const bool whole = group.counted || group.root || !group.condition.empty() ||
                       group.columns.empty() || group.expected.bytes <= slice_bytes;
    const std::uint64_t pages = whole ? 0 : pages_of(session, group);
    if (pages > 1) {
      add_slices(plan, index, pages, std::min(pages, group.expected.bytes / slice_bytes + 1));
    } else {
      plan.readings.push_back({.group = index,
                               .statement = group.counted
                                                ? "select count(*) from " + source_of(group, groups)
                                                : copy_statement(group, groups),
                               .bytes = group.expected.bytes});
    }
  }
  std::ranges::stable_sort(plan.readings, std::greater{}, &Reading::bytes);
  return plan;
}

}  // namespace pgstow::pg
