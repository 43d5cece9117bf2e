#include "pg/splicer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/end_marker.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kTable = "TABLE";
constexpr std::string_view kTableData = "TABLE DATA";
constexpr const char* kOneJob = "BACKUP_JOBS=1 lets pg_dump read everything";
// The catalogue's OID (LargeObjectRelationId) under which pg_dump names large objects.
constexpr const char* kObjectsOid = "2613";
// From this archive version on (pg_dump 17) objects stand in groups of one owner.
constexpr int kGroupsFrom = 16;
constexpr std::size_t kGroup = 1000;  // MAX_BLOBS_PER_ARCHIVE_ENTRY in pg_dump.c

std::map<std::string_view, const TocEntry*> by_oid(const ArchiveHeader& header,
                                                   std::string_view desc) {
  std::map<std::string_view, const TocEntry*> found;
  for (const TocEntry& entry : header.toc) {
    if (entry.desc == desc) found.emplace(entry.oid, &entry);
  }
  return found;
}

// Entries depend on some that are not in the archive; their numbers are taken, too.
int greatest_id(const ArchiveHeader& header) {
  std::int64_t greatest = 0;
  for (const TocEntry& entry : header.toc) {
    greatest = std::max<std::int64_t>(greatest, entry.dump_id);
    for (const std::string& id : entry.dependencies) {
      greatest = std::max(greatest, parse_int(id).value_or(0));
    }
  }
  return static_cast<int>(greatest);
}

// As pg_dump's dumpTableData() makes it.
TocEntry data_entry(const TocEntry& table, const BigTable& big, int id) {
  TocEntry entry;
  entry.dump_id = id;
  entry.has_data = true;
  entry.table_oid = "0";
  entry.oid = table.oid;
  entry.tag = table.tag;
  entry.desc = kTableData;
  entry.section = Section::kData;
  entry.copy = big.copy;
  entry.schema = table.schema;
  entry.owner = table.owner;
  entry.with_oids = table.with_oids;
  entry.dependencies = {std::to_string(table.dump_id)};
  entry.offset.state = DataOffset::State::kNotSet;
  return entry;
}

TocEntry new_entry(int id) {
  TocEntry entry;
  entry.dump_id = id;
  entry.with_oids = "false";  // pg_restore would crash without it
  return entry;
}

// What makes an empty large object (dumpBlob() in pg_dump.c).
TocEntry object_entry(std::uint32_t oid, const std::string& owner, int id) {
  TocEntry entry = new_entry(id);
  entry.table_oid = kObjectsOid;
  entry.oid = std::to_string(oid);
  entry.tag = entry.oid;
  entry.desc = "BLOB";
  entry.section = Section::kPreData;
  entry.defn = fmt::format("SELECT pg_catalog.lo_create('{}');\n", oid);
  entry.drop = fmt::format("SELECT pg_catalog.lo_unlink('{}');\n", oid);
  entry.owner = owner;
  return entry;
}

// What makes a group of them (dumpLO() in pg_dump.c from 17 on).
TocEntry group_entry(std::span<const std::uint32_t> oids, const std::string& owner, int id) {
  TocEntry entry = new_entry(id);
  entry.table_oid = kObjectsOid;
  entry.oid = std::to_string(oids.front());
  entry.tag = oids.size() == 1 ? entry.oid : fmt::format("{}..{}", oids.front(), oids.back());
  entry.desc = "BLOB METADATA";
  entry.section = Section::kData;
  entry.defn = fmt::format("{}\n", fmt::join(oids, "\n"));
  entry.drop = "-- dummy";
  entry.owner = owner;
  return entry;
}

TocEntry contents_entry(int id) {
  TocEntry entry = new_entry(id);
  entry.has_data = true;
  entry.table_oid = "0";
  entry.oid = "0";
  entry.tag = kLargeObjects;
  entry.desc = kLargeObjects;
  entry.section = Section::kData;
  entry.offset.state = DataOffset::State::kNotSet;
  return entry;
}

TocEntry contents_entry(const TocEntry& group, int id) {
  TocEntry entry = contents_entry(id);
  entry.tag = group.tag;
  entry.owner = group.owner;
  entry.dependencies = {std::to_string(group.dump_id)};
  return entry;
}

// Entries without a section of their own (comments, privileges) belong to the one that stands
// before them.
void insert_before(std::vector<TocEntry>& toc, Section section, std::vector<TocEntry> entries) {
  const auto at =
      std::ranges::find_if(toc, [&](const TocEntry& entry) { return entry.section >= section; });
  toc.insert(at, std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
}

}  // namespace

Splicer::Splicer(const std::vector<BigTable>& tables, const std::set<std::string>& with_rows,
                 const LargeObjects& objects, Readers* readers, ArchiveVisitor& next)
    : tables_(tables),
      with_rows_(with_rows),
      objects_(objects),
      readers_(readers),
      next_(next),
      ids_(tables.size(), 0) {}

void Splicer::on_header(const ArchiveHeader& header) {
  header_ = header;
  if (!tables_.empty() || !objects_.oids.empty()) add_entries();
  if (!tables_.empty()) check_complete(header);
  next_.on_header(header_);
}

void Splicer::add_entries() {
  const auto defined = by_oid(header_, kTable);
  const auto with_rows = by_oid(header_, kTableData);
  std::vector<TocEntry> added;
  int id = greatest_id(header_);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const auto table = defined.find(tables_[i].oid);
    if (table == defined.end() || with_rows.contains(tables_[i].oid)) continue;
    ids_[i] = ++id;
    added.push_back(data_entry(*table->second, tables_[i], id));
  }
  insert_before(header_.toc, Section::kPostData, std::move(added));
  if (!objects_.oids.empty()) add_objects(id);
}

void Splicer::add_objects(int id) {
  if (std::ranges::any_of(header_.toc, &TocEntry::holds_large_objects)) {
    throw ProcessFailed("pg_dump did not leave out the large objects", kOneJob);
  }
  if (header_.minor < kGroupsFrom) {
    add_objects_one_by_one(id);
  } else {
    add_groups(id);
  }
}

void Splicer::add_objects_one_by_one(int id) {
  std::vector<TocEntry> made;
  for (const LargeObjects::Owner& owner : objects_.owners) {
    while (made.size() < owner.end) {
      made.push_back(object_entry(objects_.oids[made.size()], owner.name, ++id));
    }
  }
  insert_before(header_.toc, Section::kData, std::move(made));
  insert_before(header_.toc, Section::kPostData, {contents_entry(++id)});
  object_blocks_.push_back({.id = id, .end = objects_.oids.size()});
}

void Splicer::add_groups(int id) {
  std::vector<TocEntry> groups;
  std::vector<TocEntry> contents;
  std::size_t at = 0;
  for (const LargeObjects::Owner& owner : objects_.owners) {
    while (at < owner.end) {
      const std::size_t end = std::min(owner.end, at + kGroup);
      const auto oids = std::span(objects_.oids).subspan(at, end - at);
      groups.push_back(group_entry(oids, owner.name, ++id));
      contents.push_back(contents_entry(groups.back(), ++id));
      object_blocks_.push_back({.id = id, .end = end});
      at = end;
    }
  }
  insert_before(header_.toc, Section::kPostData, std::move(groups));
  insert_before(header_.toc, Section::kPostData, std::move(contents));
}

void Splicer::check_complete(const ArchiveHeader& pg_dump) const {
  const auto data = by_oid(header_, kTableData);
  for (const TocEntry& entry : pg_dump.toc) {
    if (entry.desc != kTable || !with_rows_.contains(entry.oid) || data.contains(entry.oid)) {
      continue;
    }
    throw ProcessFailed(fmt::format("pg_dump left out the rows of {}.{}",
                                    printable(entry.schema.value_or("")), printable(entry.tag)),
                        kOneJob);
  }
}

void Splicer::finish(const std::function<void()>& moved) {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const bool wanted = ids_[i] != 0;
    if (wanted) next_.on_block_begin(*header_.find(ids_[i]));
    while (auto rows = readers_->next(i)) {
      if (wanted) next_.on_framed(*std::move(rows));
      moved();
    }
    if (!wanted) continue;
    next_.on_bytes(kEndMarker);
    next_.on_block_end();
  }
  if (!objects_.oids.empty()) finish_objects(moved);
}

void Splicer::finish_objects(const std::function<void()>& moved) {
  auto block = object_blocks_.begin();  // the next one
  std::size_t begun = 0;                // objects
  std::size_t end = 0;                  // of the block that is open
  const auto begin_next = [&](std::uint32_t oid) {
    if (begun == end) {
      if (end > 0) next_.on_block_end();
      next_.on_block_begin(*header_.find(block->id));
      end = block++->end;
    }
    if (oid != objects_.oids[begun++]) throw Error("another large object than was asked for");
    next_.on_large_object(oid);
  };
  while (const auto pieces = readers_->next_objects()) {
    for (const ObjectPiece& piece : *pieces) {
      if (piece.begins) begin_next(piece.oid);
      next_.on_bytes(piece.contents);
    }
    moved();
  }
  if (begun != objects_.oids.size()) throw Error("large objects are missing");
  next_.on_block_end();
}

}  // namespace pgstow::pg
