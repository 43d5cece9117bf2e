// Puts the tables and the large objects that readers copy into the archive that pg_dump writes
// without them.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "pg/archive.h"
#include "pg/big_tables.h"
#include "pg/readers.h"

namespace pgstow::pg {

// A visitor that passes pg_dump's archive on, its table of contents with one TABLE DATA entry more
// for each big table, and those of the large objects, as pg_dump itself would have written them:
// at the end of the data section, so that pg_dump never waits for the readers. Everything it is
// made of is lent.
class Splicer final : public ArchiveVisitor {
 public:
  // `with_rows`: tables_with_rows(). Without tables and objects, `readers` may be null.
  Splicer(const std::vector<BigTable>& tables, const std::set<std::string>& with_rows,
          const LargeObjects& objects, Readers* readers, ArchiveVisitor& next);

  // Throws ProcessFailed when pg_dump left out the rows of a table that nobody reads.
  void on_header(const ArchiveHeader& header) override;
  void on_block_begin(const TocEntry& entry) override { next_.on_block_begin(entry); }
  void on_large_object(std::uint32_t oid) override { next_.on_large_object(oid); }
  void on_bytes(std::string_view bytes) override { next_.on_bytes(bytes); }
  void on_block_end() override { next_.on_block_end(); }

  // To be called when pg_dump's archive has ended well: passes on the blocks of the big tables and
  // of the large objects. `moved` is called after each piece.
  void finish(const std::function<void()>& moved);

 private:
  // A block of large objects: those from the last one's end up to `end`, by their places.
  struct ObjectBlock {
    int id;  // of its entry
    std::size_t end;
  };

  void add_entries();
  // `id`: the greatest that is taken.
  void add_objects(int id);
  void add_objects_one_by_one(int id);
  void add_groups(int id);
  void finish_objects(const std::function<void()>& moved);
  void check_complete(const ArchiveHeader& pg_dump) const;

  const std::vector<BigTable>& tables_;
  const std::set<std::string>& with_rows_;
  const LargeObjects& objects_;
  Readers* const readers_;
  ArchiveVisitor& next_;
  ArchiveHeader header_;
  std::vector<int> ids_;  // of the tables' entries; 0: pg_dump does without it, or by itself
  std::vector<ObjectBlock> object_blocks_;
};

}  // namespace pgstow::pg
