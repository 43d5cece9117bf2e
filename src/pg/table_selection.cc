#include "pg/table_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

template <std::size_t N>
bool is_one_of(const std::string& desc, const std::array<std::string_view, N>& descs) {
  return std::ranges::find(descs, desc) != descs.end();
}

// Entries about the archive or the database as a whole.
bool is_about_database(const TocEntry& entry) {
  constexpr std::array<std::string_view, 3> kAbout{"ACL", "COMMENT", "SECURITY LABEL"};
  return entry.desc == "DATABASE" || entry.desc == "DATABASE PROPERTIES" ||
         (is_one_of(entry.desc, kAbout) && entry.tag.starts_with("DATABASE "));
}

bool is_about_all(const TocEntry& entry) {
  constexpr std::array<std::string_view, 3> kDescs{"ENCODING", "STDSTRINGS", "SEARCHPATH"};
  return is_one_of(entry.desc, kDescs) || is_about_database(entry);
}

// Their tag is "TABLE NAME" or begins with the table's; the others' tables are told by what they
// depend on.
bool is_part_of_table(const TocEntry& entry) {
  constexpr std::array<std::string_view, 12> kDescs{
      "DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "INDEX",      "TRIGGER",
      "RULE",    "POLICY",     "ROW SECURITY",     "TABLE DATA",    "STATISTICS", "TABLE ATTACH"};
  return is_one_of(entry.desc, kDescs) || entry.desc == "PUBLICATION TABLE";
}

bool makes_view(const TocEntry& entry) {
  return entry.desc == "VIEW" || entry.desc == "MATERIALIZED VIEW";
}

bool is_about_another_entry(const TocEntry& entry) {
  constexpr std::array<std::string_view, 7> kDescs{
      "SEQUENCE OWNED BY", "SEQUENCE SET", "COMMENT",        "ACL",
      "SECURITY LABEL",    "INDEX ATTACH", "STATISTICS DATA"};
  return is_one_of(entry.desc, kDescs);
}

constexpr std::string_view kInherits = "\nINHERITS (";

bool inherits(const TocEntry& entry) {
  return makes_table(entry) && entry.defn && entry.defn->find(kInherits) != std::string::npos;
}

// What an archive's entries have to do with its tables.
class Index {
 public:
  explicit Index(const ArchiveHeader& archive) {
    for (const TocEntry& entry : archive.toc) by_id_.emplace(entry.dump_id, &entry);
    for (const TocEntry& entry : archive.toc) owner_of(entry);
    for (const TocEntry& entry : archive.toc) note_parents(entry);
  }

  const TocEntry* find(const std::string& id) const {
    const auto number = parse_int(id);
    const auto found = number ? by_id_.find(static_cast<int>(*number)) : by_id_.end();
    return found == by_id_.end() ? nullptr : found->second;
  }

  std::vector<const TocEntry*> dependencies(const TocEntry& entry) const {
    std::vector<const TocEntry*> found;
    for (const std::string& id : entry.dependencies) {
      if (const TocEntry* other = find(id)) found.push_back(other);
    }
    return found;
  }

  // The table that the entry is a part of; null: none.
  const TocEntry* owner(const TocEntry& entry) const { return owners_.at(entry.dump_id); }

  // The tables right above: of which it is a partition, or from which it inherits.
  std::vector<const TocEntry*> parents(const TocEntry& table) const {
    const auto found = parents_.find(&table);
    return found == parents_.end() ? std::vector<const TocEntry*>() : found->second;
  }

 private:
  void note_parents(const TocEntry& entry) {
    if (entry.desc == "TABLE ATTACH") {
      for (const TocEntry* other : dependencies(entry)) {
        if (makes_table(*other) && other != owner(entry)) parents_[owner(entry)].push_back(other);
      }
    } else if (inherits(entry)) {
      const std::size_t clause = entry.defn->find(kInherits);
      for (const TocEntry* other : dependencies(entry)) {
        // Of the tables it depends on, those that it names there; a column's row type is another.
        const bool named = entry.defn->find(other->tag, clause) != std::string::npos;
        if (makes_table(*other) && named) parents_[&entry].push_back(other);
      }
    }
  }

  const TocEntry* owner_of(const TocEntry& entry) {
    if (const auto known = owners_.find(entry.dump_id); known != owners_.end()) {
      return known->second;
    }
    owners_[entry.dump_id] = nullptr;  // a circle, which pg_dump does not write, would end here
    const TocEntry* owner = work_out_owner(entry);
    owners_[entry.dump_id] = owner;
    return owner;
  }

  const TocEntry* work_out_owner(const TocEntry& entry) {
    if (makes_table(entry)) return &entry;
    const std::vector<const TocEntry*> others = dependencies(entry);
    if (is_about_another_entry(entry)) {
      for (const TocEntry* other : others) {
        if (const TocEntry* owner = owner_of(*other)) return owner;
      }
      return nullptr;
    }
    if (entry.desc != "SEQUENCE" && !is_part_of_table(entry)) return nullptr;
    const TocEntry* first = nullptr;  // an entry that depends on several: the one of its tag
    const TocEntry* named = nullptr;
    for (const TocEntry* other : others) {
      if (!makes_table(*other) && !makes_view(*other)) continue;
      if (first == nullptr && makes_table(*other)) first = other;
      const bool fits = other->schema == entry.schema &&
                        (entry.tag == other->tag || entry.tag.starts_with(other->tag + " "));
      if (fits && (named == nullptr || other->tag.size() > named->tag.size())) named = other;
    }
    if (named != nullptr) return makes_table(*named) ? named : nullptr;
    // A rule without its table is a view's: "v _RETURN" makes a view of tables that it depends on.
    return entry.desc == "RULE" ? nullptr : first;
  }

  std::unordered_map<int, const TocEntry*> by_id_;
  std::unordered_map<int, const TocEntry*> owners_;
  std::unordered_map<const TocEntry*, std::vector<const TocEntry*>> parents_;
};

TableName name_of(const TocEntry& entry) {
  return {.schema = entry.schema.value_or(""), .name = entry.tag};
}

std::vector<std::string> names_of_tables(const ArchiveHeader& archive, bool with_schema) {
  std::set<std::string> names;
  for (const TocEntry& entry : archive.toc) {
    if (makes_table(entry)) names.insert(with_schema ? shown(name_of(entry)) : entry.tag);
  }
  return {names.begin(), names.end()};
}

[[noreturn]] void throw_no_table(const ArchiveHeader& archive, const TablePattern& pattern) {
  for (const TocEntry& entry : archive.toc) {
    const bool relation = entry.desc == "VIEW" || entry.desc == "MATERIALIZED VIEW";
    if (relation && pattern.matches(name_of(entry))) {
      throw NotFound(
          fmt::format("{} is a {} in the backup, not a table", shown(name_of(entry)),
                      lower(entry.desc)),
          "a whole restore with --into brings it; its definition is in `pg_restore -f -`");
    }
  }
  const bool full = pattern.text().find('.') != std::string::npos;
  const std::vector<std::string> names = names_of_tables(archive, full);
  const std::optional<std::string> close = nearest(pattern.text(), names);
  std::string hint = close ? "did you mean " + *close + "?" : "";
  if (!close && names.size() <= 20)
    hint = "its tables: " + join(names_of_tables(archive, true), ", ");
  if (hint.empty()) hint = fmt::format("it has {} tables; name one as SCHEMA.NAME", names.size());
  throw NotFound("the backup has no table " + printable(pattern.text()), hint);
}

using Tables = std::set<const TocEntry*>;

// The tables that one pattern means.
Tables matched(const ArchiveHeader& archive, const TablePattern& pattern) {
  Tables found;
  std::vector<std::string> names;
  for (const TocEntry& entry : archive.toc) {
    if (!makes_table(entry) || !pattern.matches(name_of(entry))) continue;
    found.insert(&entry);
    names.push_back(shown(name_of(entry)));
  }
  if (found.empty()) throw_no_table(archive, pattern);
  if (found.size() > 1 && !pattern.may_mean_several()) {
    throw ConfigError(
        fmt::format("{} could be any of {}", printable(pattern.text()), join(names, ", ")),
        "name it with its schema, or give *." + printable(pattern.text()) + " for all of them");
  }
  return found;
}

void add_children(const Index& index, const ArchiveHeader& archive, Tables& tables) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const TocEntry& entry : archive.toc) {
      if (!makes_table(entry) || tables.contains(&entry)) continue;
      for (const TocEntry* parent : index.parents(entry)) {
        if (tables.contains(parent)) grown = tables.insert(&entry).second || grown;
      }
    }
  }
}

void refuse_orphans(const Index& index, const Tables& tables) {
  for (const TocEntry* table : tables) {
    if (!inherits(*table)) continue;
    for (const TocEntry* parent : index.parents(*table)) {
      if (tables.contains(parent)) continue;
      throw ConfigError(
          fmt::format("{} inherits from {}, which is not restored", shown(name_of(*table)),
                      shown(name_of(*parent))),
          fmt::format("--table {} brings both, and its other children", shown(name_of(*parent))));
    }
  }
}

// The table outside that the entry speaks of; null: none.
const TocEntry* table_outside(const Index& index, const TocEntry& entry, const Tables& tables) {
  for (const TocEntry* other : index.dependencies(entry)) {
    const TocEntry* owner = index.owner(*other);
    if (owner != nullptr && !tables.contains(owner)) return owner;
  }
  return nullptr;
}

// The ties that were found up to now, by their dump ids, are where those of comments come from.
std::optional<TableName> tied_to(const Index& index, const TocEntry& entry, const Tables& tables,
                                 const std::map<int, TableName>& ties) {
  for (const TocEntry* other : index.dependencies(entry)) {
    if (const auto tie = ties.find(other->dump_id); tie != ties.end()) return tie->second;
    if (entry.desc == "PUBLICATION TABLE" && other->desc == "PUBLICATION") {
      return TableName{.schema = "", .name = other->tag};
    }
  }
  if (entry.desc != "FK CONSTRAINT" && entry.desc != "TABLE ATTACH") return std::nullopt;
  const TocEntry* outside = table_outside(index, entry, tables);
  return outside == nullptr ? std::nullopt : std::optional(name_of(*outside));
}

// Entries of the tables go to the header or are ties; ATTACH PARTITION joins the indexes of a
// partition with those of its parent by itself.
void sort_out(const Index& index, const ArchiveHeader& archive, const Tables& tables,
              TableSelection& selection) {
  std::map<int, TableName> ties;
  for (const TocEntry& entry : archive.toc) {
    const TocEntry* owner = index.owner(entry);
    if (owner == nullptr || !tables.contains(owner)) {
      if (is_about_all(entry)) selection.header.toc.push_back(entry);
    } else if (const auto other = tied_to(index, entry, tables, ties)) {
      ties.emplace(entry.dump_id, *other);
      selection.ties.push_back({.entry = entry, .table = name_of(*owner), .other = *other});
    } else if (entry.desc != "INDEX ATTACH" || table_outside(index, entry, tables) == nullptr) {
      selection.header.toc.push_back(entry);
    }
  }
}

// A partition depends on its parent, and its constraints on the parent's; without being attached,
// it needs neither.
Tables parents_outside(const Index& index, const Tables& tables) {
  Tables above;
  for (const TocEntry* table : tables) {
    for (const TocEntry* parent : index.parents(*table)) above.insert(parent);
  }
  return above;
}

std::vector<int> direct_needs(const Index& index, const ArchiveHeader& header,
                              const Tables& tables) {
  const Tables above = parents_outside(index, tables);
  std::unordered_set<int> known;
  for (const TocEntry& entry : header.toc) known.insert(entry.dump_id);
  std::vector<int> needs;
  for (const TocEntry& entry : header.toc) {
    for (const TocEntry* other : index.dependencies(entry)) {
      const TocEntry* owner = index.owner(*other);
      const bool of_parent = owner != nullptr && above.contains(owner);
      if (!of_parent && known.insert(other->dump_id).second) needs.push_back(other->dump_id);
    }
  }
  return needs;
}

}  // namespace

bool makes_table(const TocEntry& entry) {
  return entry.desc == "TABLE" || entry.desc == "FOREIGN TABLE";
}

TableSelection select_tables(const ArchiveHeader& archive,
                             const std::vector<TablePattern>& patterns) {
  const Index index(archive);
  Tables tables;
  for (const TablePattern& pattern : patterns) tables.merge(matched(archive, pattern));
  TableSelection selection;
  for (const TocEntry* table : tables) selection.named.push_back(name_of(*table));
  add_children(index, archive, tables);
  refuse_orphans(index, tables);
  for (const TocEntry* table : tables) selection.tables.push_back(name_of(*table));
  std::ranges::sort(selection.named);
  std::ranges::sort(selection.tables);
  selection.header = archive;
  selection.header.toc.clear();
  sort_out(index, archive, tables, selection);
  selection.needs = direct_needs(index, selection.header, tables);
  return selection;
}

ArchiveHeader with_needs(const ArchiveHeader& archive, const TableSelection& selection) {
  const Index index(archive);
  std::unordered_set<int> wanted;
  for (const TocEntry& entry : selection.header.toc) wanted.insert(entry.dump_id);
  std::vector<int> open = selection.needs;
  while (!open.empty()) {
    const int id = open.back();
    open.pop_back();
    if (!wanted.insert(id).second) continue;
    for (const TocEntry* other : index.dependencies(*index.find(std::to_string(id)))) {
      open.push_back(other->dump_id);
    }
  }
  ArchiveHeader header = archive;
  std::erase_if(header.toc, [&](const TocEntry& entry) {
    if (wanted.contains(entry.dump_id)) return false;
    // The position, owner, comment and privileges of what is needed, but no rows.
    const std::vector<const TocEntry*> others = index.dependencies(entry);
    return !is_about_another_entry(entry) || others.empty() ||
           !std::ranges::all_of(
               others, [&](const TocEntry* other) { return wanted.contains(other->dump_id); });
  });
  return header;
}

ArchiveHeader without_database(ArchiveHeader header) {
  std::erase_if(header.toc, is_about_database);
  return header;
}

ArchiveHeader only_rows(const ArchiveHeader& header) {
  ArchiveHeader rows = header;
  std::erase_if(rows.toc, [](const TocEntry& entry) {
    return entry.desc != "TABLE DATA" && entry.desc != "SEQUENCE SET" && !is_about_all(entry);
  });
  return rows;
}

std::vector<TableName> relations_of(const ArchiveHeader& header) {
  constexpr std::array<std::string_view, 5> kDescs{"TABLE", "FOREIGN TABLE", "SEQUENCE", "INDEX",
                                                   "STATISTICS"};
  const Index index(header);
  std::vector<TableName> relations;
  for (const TocEntry& entry : header.toc) {
    if (is_one_of(entry.desc, kDescs)) relations.push_back(name_of(entry));
    const TocEntry* table = entry.desc == "CONSTRAINT" ? index.owner(entry) : nullptr;
    if (table == nullptr || entry.tag.size() <= table->tag.size()) continue;
    relations.push_back(
        {.schema = entry.schema.value_or(""), .name = entry.tag.substr(table->tag.size() + 1)});
  }
  return relations;
}

ArchiveHeader in_schemas(const ArchiveHeader& header,
                         const std::map<std::string, std::string>& schemas) {
  SchemaMoves moves;
  for (const TableName& relation : relations_of(header)) {
    const auto to = schemas.find(relation.schema);
    if (to == schemas.end()) {
      throw Error(shown(relation) + " lies in another schema than the table that it belongs to",
                  "bring the rows only, with --data-only, or the whole backup, with --into");
    }
    moves.emplace(relation, to->second);
  }
  ArchiveHeader moved = header;
  for (TocEntry& entry : moved.toc) entry = with_moves(std::move(entry), moves);
  return moved;
}

}  // namespace pgstow::pg
