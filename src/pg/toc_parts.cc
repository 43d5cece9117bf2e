#include "pg/toc_parts.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "pg/key_index.h"

namespace pgstow::pg {
namespace {

// How much longer these methods take than a B-tree, roughly.
constexpr std::uint64_t kSlowMethod = 4;

bool is_acl(const TocEntry& entry) {
  return entry.desc == "ACL" && entry.section == Section::kNone;
}

// The indexes of an archive, by dump id as text.
std::unordered_set<std::string> index_ids(const ArchiveHeader& archive) {
  std::unordered_set<std::string> ids;
  for (const TocEntry& entry : archive.toc) {
    if (entry.desc == "INDEX") ids.insert(std::to_string(entry.dump_id));
  }
  return ids;
}

// Not a key that takes an index, nor foreign keys: they lock both tables, so they come when nothing
// else is left.
bool takes_long(const TocEntry& entry, const std::unordered_set<std::string>& indexes) {
  return entry.desc == "INDEX" ||
         (entry.desc == "CONSTRAINT" &&
          std::ranges::none_of(entry.dependencies,
                               [&](const std::string& id) { return indexes.contains(id); }));
}

std::uint64_t factor(const TocEntry& entry) {
  const std::string_view defn = entry.defn ? std::string_view(*entry.defn) : "";
  for (const std::string_view method : {" USING gin ", " USING gist ", " USING spgist "}) {
    if (defn.find(method) != std::string_view::npos) return kSlowMethod;
  }
  return 1;
}

// Bytes of rows by the dump id of the TABLE, as text: what dependencies are named by.
std::unordered_map<std::string, std::uint64_t> table_bytes(
    const ArchiveHeader& archive, const std::map<int, std::uint64_t>& bytes) {
  std::unordered_map<std::string, std::uint64_t> by_table;
  for (const TocEntry& entry : archive.toc) {
    const auto found = bytes.find(entry.dump_id);
    if (found == bytes.end()) continue;
    for (const std::string& table : entry.dependencies) by_table[table] = found->second;
  }
  return by_table;
}

// Where NOT NULL is a constraint, a primary key that takes an index makes an inherited one the
// table's own.
constexpr int kNotNullIsAConstraint = 180000;

bool inherits(const TocEntry& table) {
  const std::string_view defn = table.defn ? std::string_view(*table.defn) : "";
  return defn.find("INHERITS (") != std::string_view::npos ||
         defn.find(" PARTITION ") != std::string_view::npos;
}

// What with_key_indexes() has to know of the tables, all by their dump ids as text.
struct KeyTables {
  std::unordered_map<std::string, std::uint64_t> bytes;
  std::unordered_map<std::string, int> builds;  // indexes and keys
  std::unordered_set<std::string> heirs;        // that may have inherited a NOT NULL
};

KeyTables key_tables(const ArchiveHeader& archive, const std::map<int, std::uint64_t>& bytes) {
  KeyTables tables{.bytes = table_bytes(archive, bytes), .builds = {}, .heirs = {}};
  for (const TocEntry& entry : archive.toc) {
    if (entry.desc == "TABLE" && inherits(entry))
      tables.heirs.insert(std::to_string(entry.dump_id));
    const std::set<std::string> on(entry.dependencies.begin(), entry.dependencies.end());
    for (const std::string& id : on) {
      if (entry.desc == "INDEX" || entry.desc == "CONSTRAINT") ++tables.builds[id];
      if (entry.desc == "TABLE ATTACH") tables.heirs.insert(id);
    }
  }
  return tables;
}

bool is_among_indexes(const TocEntry& key, const KeyTables& tables, std::uint64_t least) {
  return key.desc == "CONSTRAINT" &&
         std::ranges::any_of(key.dependencies, [&](const std::string& id) {
           const auto bytes = tables.bytes.find(id);
           return bytes != tables.bytes.end() && bytes->second >= least && tables.builds.at(id) > 1;
         });
}

bool is_of_heir(const TocEntry& key, const KeyTables& tables) {
  return std::ranges::any_of(key.dependencies,
                             [&](const std::string& id) { return tables.heirs.contains(id); });
}

// Dump ids that no entry has, and none depends on. They stay near to the entries', by which
// pg_restore's tables are as long.
class FreeIds {
 public:
  explicit FreeIds(const ArchiveHeader& archive) {
    for (const TocEntry& entry : archive.toc) {
      last_ = std::max(last_, entry.dump_id);
      for (const std::string& id : entry.dependencies) {  // pg_restore takes their lowest 32 bits
        if (const auto on = parse_int(id)) named_.insert(static_cast<int>(*on));
      }
    }
  }
  // Nothing when there are no more.
  std::optional<int> next() {
    do {
      if (last_ >= kMost) return std::nullopt;
      ++last_;
    } while (named_.contains(last_));
    return last_;
  }

 private:
  static constexpr int kMost = std::numeric_limits<int>::max() - 1;  // pg_restore counts one more
  int last_ = 0;
  std::unordered_set<int> named_;
};

TocEntry index_of_key(const TocEntry& key, const KeyIndex& parts, int dump_id) {
  TocEntry index = key;
  index.dump_id = dump_id;
  index.desc = "INDEX";
  index.tag = parts.name;
  index.defn = parts.create;
  index.drop = "";
  return index;
}

// The entries that remain keep their order, but for privileges, which come last.
ArchiveHeader without_data(const ArchiveHeader& archive) {
  ArchiveHeader copy = archive;
  copy.compression = 0;
  std::erase_if(copy.toc, [](const TocEntry& entry) { return entry.has_data; });
  return copy;
}

// Whoever makes a foreign key reads both tables, and must see all their rows: policies are in force
// after that. In one session the archive's order sees to it, in several only dependencies do.
void policies_after_foreign_keys(std::vector<TocEntry>& toc) {
  std::vector<std::string> keys;
  for (const TocEntry& entry : toc) {
    if (entry.desc == "FK CONSTRAINT") keys.push_back(std::to_string(entry.dump_id));
  }
  for (TocEntry& entry : toc) {
    if (entry.desc != "ROW SECURITY") continue;
    entry.dependencies.insert(entry.dependencies.end(), keys.begin(), keys.end());
  }
}

// What tells pg_restore how to read all others.
bool sets_the_scene(const TocEntry& entry) {
  return entry.desc == "ENCODING" || entry.desc == "STDSTRINGS" || entry.desc == "SEARCHPATH";
}

}  // namespace

ArchiveHeader toc_before_rows(const ArchiveHeader& archive) {
  ArchiveHeader copy = without_data(archive);
  std::erase_if(copy.toc, is_acl);
  return copy;
}

ArchiveHeader with_key_indexes(ArchiveHeader archive, const std::map<int, std::uint64_t>& bytes,
                               const KeyIndexOptions& options) {
  const KeyTables tables = key_tables(archive, bytes);
  const bool heirs_stay_whole = options.server_version >= kNotNullIsAConstraint;
  FreeIds free(archive);
  std::vector<TocEntry> toc;
  toc.reserve(archive.toc.size());
  for (TocEntry& entry : archive.toc) {
    const std::optional<KeyIndex> parts =
        entry.defn && is_among_indexes(entry, tables, options.least_bytes) ? split_key(*entry.defn)
                                                                           : std::nullopt;
    const bool apart = parts && !(heirs_stay_whole && parts->primary && is_of_heir(entry, tables));
    if (const std::optional<int> id = apart ? free.next() : std::nullopt) {
      toc.push_back(index_of_key(entry, *parts, *id));
      entry.defn = parts->take;
      entry.dependencies.push_back(std::to_string(*id));
    }
    toc.push_back(std::move(entry));
  }
  archive.toc = std::move(toc);
  return archive;
}

OrderedToc toc_after_rows(const ArchiveHeader& archive, const std::map<int, std::uint64_t>& bytes) {
  OrderedToc result{.header = without_data(archive)};
  std::vector<TocEntry>& toc = result.header.toc;
  std::ranges::stable_partition(toc, [](const TocEntry& entry) { return !is_acl(entry); });
  policies_after_foreign_keys(toc);
  const auto by_table = table_bytes(archive, bytes);
  const std::unordered_set<std::string> indexes = index_ids(archive);
  std::uint64_t position = encode_header(result.header).size();
  for (TocEntry& entry : toc) {
    if (is_acl(entry)) entry.section = Section::kPostData;
    if (!takes_long(entry, indexes)) continue;
    std::uint64_t work = 1;
    for (const std::string& id : entry.dependencies) {
      if (const auto found = by_table.find(id); found != by_table.end()) {
        work = std::max(work, found->second * factor(entry));
      }
    }
    entry.offset = {DataOffset::State::kSet, position};
    position += work;
  }
  result.size = position;
  return result;
}

std::vector<IndexBuild> independent_indexes(const ArchiveHeader& archive,
                                            const std::map<int, std::uint64_t>& bytes) {
  std::unordered_set<std::string> needed;        // by other entries
  std::unordered_map<std::string, int> rows_of;  // by the table's dump id
  for (const TocEntry& entry : archive.toc) {
    needed.insert(entry.dependencies.begin(), entry.dependencies.end());
    if (!bytes.contains(entry.dump_id) || is_loaded_via_root(entry)) continue;
    for (const std::string& table : entry.dependencies) rows_of[table] = entry.dump_id;
  }
  std::vector<IndexBuild> builds;
  for (const TocEntry& entry : archive.toc) {
    const std::vector<std::string>& on = entry.dependencies;
    if (entry.desc != "INDEX" || on.empty() || needed.contains(std::to_string(entry.dump_id)) ||
        std::ranges::any_of(on, [&](const std::string& id) { return id != on[0]; })) {
      continue;
    }
    const auto rows = rows_of.find(on[0]);  // none where other tables' COPY may bring more
    if (rows == rows_of.end()) continue;
    builds.push_back({.index = entry.dump_id,
                      .rows = rows->second,
                      .work = bytes.at(rows->second) * factor(entry)});
  }
  return builds;
}

ArchiveHeader toc_of_index(const ArchiveHeader& archive, int index) {
  ArchiveHeader copy = without_data(archive);
  std::erase_if(copy.toc, [&](const TocEntry& entry) {
    return entry.dump_id != index && !sets_the_scene(entry);
  });
  return copy;
}

bool can_load_rows(const ArchiveHeader& archive, bool complete) {
  return complete && archive.compression == 0 &&
         std::ranges::none_of(archive.toc, [](const TocEntry& entry) {
           return entry.has_data && !entry.holds_large_objects() && !entry.has_copy_text();
         });
}

bool is_loaded_via_root(const TocEntry& table_data) {
  return table_data.defn && table_data.defn->starts_with("-- load via partition root ");
}

bool is_made_by_extension(const ArchiveHeader& archive, const TocEntry& table_data) {
  return std::ranges::none_of(table_data.dependencies, [&](const std::string& id) {
    const auto number = parse_int(id);
    return number && archive.find(static_cast<int>(*number)) != nullptr;
  });
}

}  // namespace pgstow::pg
