// The two parts of a restore that pg_restore does, each as a table of contents without data: what
// comes before the rows, and what comes after them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pg/archive.h"

namespace pgstow::pg {

// Everything before the rows: the sections pre-data and data of this table of contents make the
// schema, the sequences' positions and the empty large objects. Privileges are left to the second
// part, as pg_restore grants them after the rows, too: an owner may have taken its own away.
ArchiveHeader toc_before_rows(const ArchiveHeader& archive);

// With fewer bytes of rows, a table's keys are made as they are written.
inline constexpr std::uint64_t kLeastKeyBytes = std::uint64_t{16} << 20;

struct KeyIndexOptions {
  int server_version = 0;  // of the server that makes them: 150020
  std::uint64_t least_bytes = kLeastKeyBytes;
};

// The archive, with primary keys and unique constraints in two entries, an INDEX and the CONSTRAINT
// that takes it (see key_index.h): ADD CONSTRAINT builds its index under a lock that no other index
// of the table is built beside. For tables with that many bytes of rows of their own, so that they
// are not partitioned, and with other indexes; for server 18, not for primary keys of tables that
// inherit. `bytes` are those of the rows by the dump id of TABLE DATA.
ArchiveHeader with_key_indexes(ArchiveHeader archive, const std::map<int, std::uint64_t>& bytes,
                               const KeyIndexOptions& options);

struct OrderedToc {
  ArchiveHeader header;
  std::uint64_t size = 0;  // that its file must have
};

// Everything after the rows, for `pg_restore --section=post-data --jobs=N`. pg_restore begins with
// what has the most data, which it works out of the blocks' positions in the file
// (_PrepParallelRestore in pg_backup_custom.c). There are no blocks here, so positions are given to
// indexes and constraints themselves: so far apart as their work is long. `bytes` as for
// with_key_indexes(). Row-level security waits for all foreign keys.
OrderedToc toc_after_rows(const ArchiveHeader& archive, const std::map<int, std::uint64_t>& bytes);

// An index that can be built as soon as the rows of its table are there.
struct IndexBuild {
  int index = 0;           // dump id
  int rows = 0;            // dump id of its table's TABLE DATA
  std::uint64_t work = 0;  // as long as a B-tree takes for so many bytes of rows
};

// Those of the archive that depend on nothing but their table: a function or an operator class of
// the archive's may look at tables that are not filled yet, and the index would be wrong without a
// word. Nothing depends on them, so the rest of the archive need not wait for them; and no rows
// come into their table by way of another's. `bytes` as for toc_after_rows().
std::vector<IndexBuild> independent_indexes(const ArchiveHeader& archive,
                                            const std::map<int, std::uint64_t>& bytes);

// A table of contents with nothing but this index.
ArchiveHeader toc_of_index(const ArchiveHeader& archive, int index);

// Whether the rows can be loaded without pg_restore: `complete` is ArchiveProof's. Archives that
// are compressed inside by lz4 or zstd, or made of INSERT statements, can't.
bool can_load_rows(const ArchiveHeader& archive, bool complete);

// A partition whose rows are loaded through the root of its tree, where they may come to lie in
// another one, as rows of others may in it (pg_dump's forcePartitionRootLoad).
bool is_loaded_via_root(const TocEntry& table_data);

// A table that is not made by this archive but by CREATE EXTENSION. Its keys are there before its
// rows, so such tables are loaded one after the other, in the archive's order.
bool is_made_by_extension(const ArchiveHeader& archive, const TocEntry& table_data);

}  // namespace pgstow::pg
