#include "backup/part.h"

#include <array>
#include <memory>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "pg/archive_header.h"
#include "stream/unpack.h"

namespace pgstow {
namespace {

pg::ArchiveHeader read_header(Store& store, const std::string& key, const Context& context) {
  const std::unique_ptr<Source> object = store.open(key);
  const std::unique_ptr<Source> unpacked = open_unpacked(*object, Decoder::kFast, 1);
  pg::HeaderDecoder decoder;
  std::array<char, 65536> buffer;
  while (!decoder.done()) {
    check_stop(context.stop);
    const std::size_t n = unpacked->read(buffer);
    if (n == 0) throw Corrupt(store.location(key) + ": cut off in its table of contents");
    decoder.add({buffer.data(), n});
  }
  return decoder.take();
}

}  // namespace

pg::ArchiveHeader read_contents(const Backup& backup, const Context& context) {
  for (std::size_t i = 0;; ++i) {
    try {
      return read_header(*backup.copies[i].store, backup.key, context);
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
    if (entry.desc == "BLOBS") part.proof.large_objects = whole.proof.large_objects;
    const auto proof = whole.proof.tables.find(entry.dump_id);
    if (proof != whole.proof.tables.end()) part.proof.tables.insert(*proof);
  }
  return part;
}

Verified only_tables(const Verified& whole, const std::vector<pg::TablePattern>& tables) {
  return part_of(whole, pg::with_needs(whole.archive, pg::select_tables(whole.archive, tables)));
}

}  // namespace pgstow
