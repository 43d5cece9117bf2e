// For tests: a dump by readers, and how it differs from one that pg_dump makes alone.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pg/archive_fixtures.h"
#include "pg/archive_proof.h"
#include "pg/archive_writer.h"
#include "pg/open_dump.h"
#include "pg/splicer.h"
#include "pg/tools.h"
#include "stream/pack.h"
#include "stream/testing.h"
#include "stream/unpack.h"

namespace pgstow::pg::testing_dump {

// One dump in steps: tests do something to the database between them.
class TestDump {
 public:
  explicit TestDump(const Parameters& server, const std::function<void(DumpPlan&)>& change = {})
      : leader(std::make_unique<Connection>(Connection::open(server, stop))) {
    forbid_timeouts(*leader);
    plan.pg_dump = find_tool("pg_dump", leader->server_version() / 10000, {}, {});
    plan.encoding = server_facts(*leader).encoding;
    plan.lock_timeout = std::chrono::seconds(60);
    plan.stall_timeout = std::chrono::seconds(60);
    plan.readers = 3;
    plan.table_bytes = 0;
    plan.bytes_in_all = 0;
    plan.objects_from = 0;
    plan.slice_bytes = 8192;
    if (change) change(plan);
  }

  TestDump& begin() {
    dump = open_dump(*leader, plan, context);
    return *this;
  }

  // Takes the dump to its end, as a backup does.
  std::string archive() {
    testing::StringSink file;
    Packer packer(file, compression, 2);
    ArchiveWriter writer(packer);
    ProofTaker taker(&writer);
    Splicer splicer(dump->locked.tables, dump->with_rows, dump->objects, dump->readers.get(),
                    taker);
    ArchiveParser parser(splicer);
    std::vector<char> buffer(1 << 16);
    while (const std::size_t n = dump->source->read(buffer)) parser.write({buffer.data(), n});
    parser.finish();
    splicer.finish([] {});
    packer.finish();
    header = taker.header();
    proof = taker.finish();
    testing::StringSource packed(file.bytes());
    return testing::read_all(*open_unpacked(packed, Decoder::kFast, 1));
  }

  // The same; then the locks are let go.
  std::string finish() {
    std::string whole = archive();
    end_dump(*dump, *leader);
    return whole;
  }

  Compression compression = parse_compression("gzip:1");
  std::stop_source stopper;
  std::stop_token stop = stopper.get_token();
  SystemClock clock;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log_file{std::tmpfile(), std::fclose};
  Log log{clock, LogFormat::kLogfmt, Level::kDebug, log_file.get()};
  Context context{.log = log, .clock = clock, .stop = stop};
  DumpPlan plan;
  std::unique_ptr<Connection> leader;
  std::unique_ptr<Dump> dump;
  ArchiveHeader header;  // after finish()
  ArchiveProof proof;
};

// An entry without what may differ: dump ids, here and in dependencies, stand for what they name.
inline std::string name_of(const TocEntry& entry) {
  return entry.desc + ' ' + entry.table_oid + ' ' + entry.oid + ' ' + entry.schema.value_or("-") +
         ' ' + entry.tag;
}

inline std::string text_of(const ArchiveHeader& header, const TocEntry& entry) {
  const auto text = [](const OptionalText& field) { return field ? '"' + *field + '"' : "null"; };
  std::string all = name_of(entry);
  for (const OptionalText* field :
       {&entry.defn, &entry.drop, &entry.copy, &entry.schema, &entry.tablespace, &entry.table_am,
        &entry.owner, &entry.with_oids}) {
    all += '|' + text(*field);
  }
  for (const std::string& id : entry.dependencies) {
    const TocEntry* other = header.find(std::stoi(id));
    if (other == nullptr && entry.desc == "BLOBS") continue;  // pg_dump 17's boundary of sections
    all += '|' + (other != nullptr ? name_of(*other) : "not in the archive");
  }
  return all + '|' + std::to_string(entry.has_data) + std::to_string(entry.relkind) +
         std::to_string(static_cast<int>(entry.section)) +
         std::to_string(entry.offset.state == DataOffset::State::kNoData);
}

// The entries in their order, but those with rows and of large objects, which are sorted behind the
// others.
inline std::vector<std::string> comparable(const ArchiveHeader& header) {
  std::vector<std::string> lines{std::to_string(header.minor), std::to_string(header.compression),
                                 header.database, header.server_version, header.dump_version};
  std::multiset<std::string> with_rows;
  for (const TocEntry& entry : header.toc) {
    if (entry.desc == "TABLE DATA" || entry.desc.starts_with("BLOB")) {
      with_rows.insert(text_of(header, entry));
    } else {
      lines.push_back(text_of(header, entry));
    }
  }
  lines.insert(lines.end(), with_rows.begin(), with_rows.end());
  return lines;
}

inline std::map<std::string, std::string> blocks(const fixtures::Recorder& archive) {
  std::map<std::string, std::string> by_name;
  for (const auto& [id, bytes] : archive.blocks) by_name[name_of(*archive.header.find(id))] = bytes;
  for (const auto& [oid, bytes] : archive.objects) by_name["object " + std::to_string(oid)] = bytes;
  return by_name;
}

// Empty when both are the same archive, as far as a restore can tell.
inline std::string difference(const std::string& expected, const std::string& actual) {
  const fixtures::Recorder a = fixtures::record(expected);
  const fixtures::Recorder b = fixtures::record(actual);
  const std::vector<std::string> toc_a = comparable(a.header);
  const std::vector<std::string> toc_b = comparable(b.header);
  for (std::size_t i = 0; i < std::max(toc_a.size(), toc_b.size()); ++i) {
    const std::string one = i < toc_a.size() ? toc_a[i] : "nothing";
    const std::string other = i < toc_b.size() ? toc_b[i] : "nothing";
    if (one != other) return fmt::format("entry\n  {}\nbut\n  {}", one, other);
  }
  const auto blocks_a = blocks(a);
  const auto blocks_b = blocks(b);
  if (blocks_a.size() != blocks_b.size()) return "another number of blocks";
  for (const auto& [name, bytes] : blocks_a) {
    const auto found = blocks_b.find(name);
    if (found == blocks_b.end()) return "no block of " + name;
    if (found->second != bytes) {
      return "other bytes of " + name + ": " + std::to_string(found->second.size()) +
             " instead of " + std::to_string(bytes.size());
    }
  }
  return "";
}

}  // namespace pgstow::pg::testing_dump
