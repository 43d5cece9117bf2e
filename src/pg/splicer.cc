#include "pg/splicer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "pg/end_marker.h"

namespace pgstow::pg {
namespace {

constexpr std::string_view kTable = "TABLE";
constexpr std::string_view kTableData = "TABLE DATA";

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

}  // namespace

Splicer::Splicer(const std::vector<BigTable>& tables, const std::set<std::string>& with_rows,
                 Readers* readers, ArchiveVisitor& next)
    : tables_(tables),
      with_rows_(with_rows),
      readers_(readers),
      next_(next),
      ids_(tables.size(), 0) {}

void Splicer::on_header(const ArchiveHeader& header) {
  header_ = header;
  if (!tables_.empty()) {
    add_entries();
    check_complete(header);
  }
  next_.on_header(header_);
}

// Before what comes after the data: entries without a section of their own (comments, privileges)
// belong to the one that stands before them.
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
  const auto after = std::ranges::find(header_.toc, Section::kPostData, &TocEntry::section);
  header_.toc.insert(after, added.begin(), added.end());
}

void Splicer::check_complete(const ArchiveHeader& pg_dump) const {
  const auto data = by_oid(header_, kTableData);
  for (const TocEntry& entry : pg_dump.toc) {
    if (entry.desc != kTable || !with_rows_.contains(entry.oid) || data.contains(entry.oid)) {
      continue;
    }
    throw ProcessFailed(fmt::format("pg_dump left out the rows of {}.{}",
                                    printable(entry.schema.value_or("")), printable(entry.tag)),
                        "BACKUP_JOBS=1 lets pg_dump read all tables");
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
}

}  // namespace pgstow::pg
