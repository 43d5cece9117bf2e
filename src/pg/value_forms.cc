#include "pg/value_forms.h"

#include <optional>
#include <string>
#include <utility>

#include "pg/sql_text.h"

namespace pgstow::pg {
namespace {

// A domain is received as what it is made of, with its own checks. Types that somebody made may use
// the receive functions of others than those whose text they write.
constexpr const char* kQuestion = R"(
  with recursive columns(entry, name, type) as (
    select wanted.entry, a.attname, a.atttypid
      from rows from (unnest($1::int[]), unnest($2::text[])) as wanted(entry, relation)
      join pg_attribute a on a.attrelid = to_regclass(wanted.relation)
     where a.attnum > 0 and not a.attisdropped
    union all
    select c.entry, c.name, t.typbasetype
      from columns c join pg_type t on t.oid = c.type where t.typtype = 'd')
  select c.entry, c.name, p.proname
    from columns c
    join pg_type t on t.oid = c.type
     and (t.typnamespace = 'pg_catalog'::regnamespace or t.typtype = 'e')
    join pg_proc p on p.oid = t.typreceive and p.pronamespace = 'pg_catalog'::regnamespace)";

using FormsByName = std::map<std::string, ValueForm>;

std::map<int, FormsByName> known_columns(Connection& session,
                                         const std::map<int, CopyTarget>& tables) {
  std::vector<std::string> entries;
  std::vector<std::string> relations;
  for (const auto& [id, target] : tables) {
    entries.push_back(std::to_string(id));
    relations.push_back(target.relation);
  }
  const Result columns =
      session.query(kQuestion, {array_literal(entries), array_literal(relations)});
  std::map<int, FormsByName> known;
  for (int row = 0; row < columns.rows(); ++row) {
    const std::optional<ValueForm> form = form_received_by(columns.text(row, 2));
    if (form) known[static_cast<int>(columns.number(row, 0))][columns.text(row, 1)] = *form;
  }
  return known;
}

// In the order of the names; empty when one is not known.
std::vector<ValueForm> in_order(const std::vector<std::string>& names, const FormsByName& known) {
  std::vector<ValueForm> forms;
  for (const std::string& name : names) {
    const auto form = known.find(name);
    if (form == known.end()) return {};
    forms.push_back(form->second);
  }
  return forms;
}

}  // namespace

ValueForms value_forms(Connection& session, const ArchiveHeader& archive,
                       const std::map<int, std::uint64_t>& bytes, std::uint64_t least_bytes) {
  if (!bytes_are_plain_in(session.parameter_status("client_encoding"))) return {};
  std::map<int, CopyTarget> tables;
  for (const TocEntry& entry : archive.toc) {
    const auto rows = bytes.find(entry.dump_id);
    if (rows == bytes.end() || rows->second < least_bytes || !entry.has_copy_text()) continue;
    tables.emplace(entry.dump_id, parse_copy(*entry.copy));
  }
  if (tables.empty()) return {};
  ValueForms forms;
  for (const auto& [id, known] : known_columns(session, tables)) {
    std::vector<ValueForm> columns = in_order(tables.at(id).names, known);
    if (!columns.empty()) forms[id] = std::move(columns);
  }
  return forms;
}

}  // namespace pgstow::pg
