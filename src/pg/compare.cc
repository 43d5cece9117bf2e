#include "pg/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/archive_proof.h"
#include "pg/compare_plan.h"
#include "pg/large_objects.h"
#include "pg/row_security.h"
#include "pg/server.h"
#include "pg/server_error.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

constexpr std::size_t kMostObjects = 1024;  // large ones, that one session reads at once

std::string encoding_of(const ArchiveHeader& archive) {
  const auto entry = std::ranges::find(archive.toc, "ENCODING", &TocEntry::desc);
  if (entry == archive.toc.end() || !entry->defn) return "SET client_encoding = 'UTF8';";
  return *entry->defn;
}

std::vector<std::uint32_t> all_large_objects(Connection& session) {
  const Result r = session.query("select oid from pg_catalog.pg_largeobject_metadata order by oid");
  std::vector<std::uint32_t> oids;
  oids.reserve(static_cast<std::size_t>(r.rows()));
  for (int i = 0; i < r.rows(); ++i) oids.push_back(static_cast<std::uint32_t>(r.number(i, 0)));
  return oids;
}

Proof object_proof(Connection& session, std::span<const std::uint32_t> oids) {
  LargeObjectHasher hasher;
  read_large_objects(session, oids, [&](std::uint32_t oid, bool begins, std::string_view contents) {
    if (begins) hasher.begin(oid);
    hasher.add(contents);
  });
  return hasher.finish();
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
  relations.reserve(plan.groups.size());
  for (const Group& group : plan.groups) relations.push_back(group.relation);
  return relations;
}

// What is read back, by several sessions at once.
class Readings {
 public:
  Readings(const OpenSession& open, unsigned sessions, const std::stop_token& stop)
      : sessions_(sessions), tasks_(open, sessions, stop) {}

  void begin(const ComparePlan& plan) {
    for (const Reading& reading : plan.readings) {
      tasks_.submit(
          [&](Connection& session) { return read(session, plan.groups[reading.group], reading); });
    }
  }
  // Of each session's share an eighth at a time: some may be long.
  void begin(std::span<const std::uint32_t> objects) {
    const std::size_t step =
        std::clamp(objects.size() / sessions_ / 8, std::size_t{1}, kMostObjects);
    for (; !objects.empty(); ++object_tasks_) {
      const auto some = take_first(objects, step);
      tasks_.submit([some](Connection& session) { return object_proof(session, some); });
    }
  }

  // Adds to the result what all readings of each group found together.
  void end_tables(const ComparePlan& plan, const std::function<void(const std::string&)>& progress,
                  Comparison& result) {
    std::vector<Proof> found(plan.groups.size());
    std::vector<bool> told(plan.groups.size());
    for (const Reading& reading : plan.readings) {
      if (!told[reading.group]) progress(plan.groups[reading.group].relation);
      told[reading.group] = true;
      found[reading.group] += tasks_.next();
    }
    judge(plan, found, result);
  }
  Proof end_objects() {
    Proof found;
    for (; object_tasks_ > 0; --object_tasks_) found += tasks_.next();
    return found;
  }

 private:
  const unsigned sessions_;
  SessionTasks<Proof> tasks_;
  std::size_t object_tasks_ = 0;
};

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
  std::vector<std::uint32_t> objects;
  if (proof.large_objects.rows > 0) objects = all_large_objects(session);
  Readings readings(open_prepared, options.sessions, stop);
  readings.begin(plan);
  readings.begin(objects);
  readings.end_tables(plan, progress, result);
  freed.force_again();
  compare_sequences(session, archive, result);
  if (proof.large_objects.rows > 0) {
    progress("large objects");
    if (readings.end_objects() != proof.large_objects) {
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
