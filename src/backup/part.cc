#include "backup/part.h"

#include <map>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "backup/archive_contents.h"
#include "backup/nearest_copy.h"
#include "backup/part_source.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace pgstow {
namespace {

// The rows of some tables: where they lie, and what they are.
struct Rows {
  std::vector<int> ids;  // dump ids of TABLE DATA
  std::vector<RowsAt> at;
  std::map<int, pg::Proof> proofs;
};

// Nothing where the manifest does not tell of all of them.
std::optional<Rows> rows_of(const Manifest& manifest, const pg::ArchiveHeader& archive,
                            const pg::ArchiveHeader& selected) {
  const auto tables = tables_by_id(manifest, archive);
  if (!tables) return {};
  std::unordered_set<int> wanted;
  for (const pg::TocEntry& entry : selected.toc) wanted.insert(entry.dump_id);
  Rows rows;
  for (const pg::TocEntry& entry : archive.toc) {
    const auto table = tables->find(entry.dump_id);
    if (table == tables->end() || !wanted.contains(entry.dump_id)) continue;
    if (!table->second->at) return {};
    rows.ids.push_back(entry.dump_id);
    rows.at.push_back(*table->second->at);
    rows.proofs.emplace(entry.dump_id, table->second->proof);
  }
  return rows;
}

// Nothing where only the whole can be read.
std::optional<SoundCopy> read_tables(Store& store, const Backup& backup,
                                     const std::vector<pg::TablePattern>& tables, unsigned jobs,
                                     const Context& context, Progress& progress) {
  const pg::ArchiveHeader archive = read_archive_header(store, backup.key, context);
  const pg::TableSelection selection = pg::select_tables(archive, tables);
  const std::optional<Rows> rows = rows_of(*backup.manifest, archive, selection.header);
  if (!rows) return {};
  const auto open = [&store, key = backup.key, at = rows->at, jobs,
                     header = without_other_blocks(archive, rows->ids)] {
    return std::make_unique<PartSource>(store, key, header, at, jobs);
  };
  const std::unique_ptr<PartSource> part = open();
  Verified verified = verify_part(*part, part->size(), rows->proofs, jobs, context, progress);
  context.log.info(
      "read of the backup only what the tables need",
      {{"read", human_bytes(part->size())}, {"of", human_bytes(backup.manifest->raw.bytes)}});
  return SoundCopy{.store = &store, .verified = std::move(verified), .open = open};
}

}  // namespace

SoundCopy find_tables_copy(const Backup& backup, const std::vector<pg::TablePattern>& tables,
                           unsigned jobs, const Context& context, Progress& progress) {
  if (backup.manifest) {
    std::optional<SoundCopy> copy = of_nearest_copy(backup, "copy", context, [&](Store& store) {
      return read_tables(store, backup, tables, jobs, context, progress);
    });
    if (copy) return *std::move(copy);
  }
  return find_whole_copy(backup, jobs, context, progress);
}

pg::ArchiveHeader read_contents(const Backup& backup, const Context& context) {
  for (std::size_t i = 0;; ++i) {
    try {
      return read_archive_header(*backup.copies[i].store, backup.key, context);
    } catch (const Cancelled&) {
      throw;
    } catch (const Error&) {  // the restore itself says what is wrong with that copy
      if (i + 1 == backup.copies.size()) throw;
    }
  }
}

Verified part_of(const Verified& whole, pg::ArchiveHeader header) {
  Verified part{
      .archive = std::move(header), .proof = {}, .raw = whole.raw, .stored = whole.stored};
  part.proof.complete = whole.proof.complete;
  for (const pg::TocEntry& entry : part.archive.toc) {
    if (entry.holds_large_objects()) part.proof.large_objects = whole.proof.large_objects;
    const auto proof = whole.proof.tables.find(entry.dump_id);
    if (proof != whole.proof.tables.end()) part.proof.tables.insert(*proof);
  }
  return part;
}

Verified only_tables(const Verified& whole, const std::vector<pg::TablePattern>& tables) {
  return part_of(whole, pg::with_needs(whole.archive, pg::select_tables(whole.archive, tables)));
}

}  // namespace pgstow
