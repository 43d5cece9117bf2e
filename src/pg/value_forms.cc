#include "pg/value_forms.h"

#include <optional>
#include <string>
#include <utility>

#include "pg/sql_text.h"
#include "pg/toc_parts.h"

namespace pgstow::pg {
namespace {

// By the server's own functions, by whatever name: citext's are those of text. A domain is received
// as what it is made of, with its own checks. An array's elements are taken apart, of a domain that
// is an array they are not. By names, since to_regclass() needs the right to use the schema. COPY
// wants a receive function of all columns, also of generated ones, which it does not name
// (BeginCopyFrom).
constexpr const char* kQuestion = R"(
  with recursive columns(entry, name, type, element) as (
    select wanted.entry, a.attname, a.atttypid, 0::oid
      from rows from (unnest($1::int[]), unnest($2::text[]), unnest($3::text[]))
        as wanted(entry, schema_name, table_name)
      join pg_namespace n on n.nspname = wanted.schema_name
      join pg_class r on r.relnamespace = n.oid and r.relname = wanted.table_name
      join pg_attribute a on a.attrelid = r.oid
     where a.attnum > 0 and not a.attisdropped
       and not exists (
         select from pg_attribute any_a join pg_type any_t on any_t.oid = any_a.atttypid
          where any_a.attrelid = r.oid and any_a.attnum > 0 and not any_a.attisdropped
            and any_t.typreceive = 0)
    union all
    select c.entry, c.name, case t.typtype when 'd' then t.typbasetype else t.typelem end,
           case t.typtype when 'd' then c.element else t.typelem end
      from columns c
      join pg_type t on t.oid = c.type
     where t.typtype = 'd'
        or c.element = 0 and t.typreceive = 'array_recv'::regproc and t.typdelim = ',')
  select c.entry, c.name, receive.prosrc, c.element
    from columns c
    join pg_type t on t.oid = c.type and t.typtype <> 'd'
    join pg_proc receive on receive.oid = t.typreceive
    join pg_proc output on output.oid = t.typoutput
    join pg_language l on l.oid = receive.prolang and l.oid = output.prolang and l.lanname = 'internal'
   where receive.pronamespace = 'pg_catalog'::regnamespace
      or (receive.prosrc = 'textrecv' and output.prosrc = 'textout'))";

using FormsByName = std::map<std::string, ColumnForm>;

std::map<int, FormsByName> known_columns(Connection& session,
                                         const std::map<int, CopyTarget>& tables) {
  std::vector<std::string> entries;
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const auto& [id, target] : tables) {
    entries.push_back(std::to_string(id));
    schemas.push_back(target.schema);
    names.push_back(target.table);
  }
  const Result columns = session.query(
      kQuestion, {array_literal(entries), array_literal(schemas), array_literal(names)});
  std::map<int, FormsByName> known;
  for (int row = 0; row < columns.rows(); ++row) {
    const std::optional<ValueForm> form = form_received_by(columns.text(row, 2));
    if (!form) continue;
    known[static_cast<int>(columns.number(row, 0))][columns.text(row, 1)] = {
        .form = *form, .element = static_cast<std::uint32_t>(columns.number(row, 3))};
  }
  return known;
}

// In the order of the names; empty when one is not known.
std::vector<ColumnForm> in_order(const std::vector<std::string>& names, const FormsByName& known) {
  std::vector<ColumnForm> forms;
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
    if (is_made_by_extension(archive, entry)) continue;
    tables.emplace(entry.dump_id, parse_copy(*entry.copy));
  }
  if (tables.empty()) return {};
  ValueForms forms;
  for (const auto& [id, known] : known_columns(session, tables)) {
    std::vector<ColumnForm> columns = in_order(tables.at(id).names, known);
    if (!columns.empty()) forms[id] = std::move(columns);
  }
  return forms;
}

}  // namespace pgstow::pg
