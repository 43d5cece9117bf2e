#include "pg/object_lookup.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "base/text.h"

namespace pgstow::pg {
namespace {

// A query with the schema as $1 and the tag as $2, by the entry's kind. The tag of a function is
// its name, unquoted, and its arguments' types (format_function_signature in pg_dump.c); with an
// empty search_path the server writes them alike.
const std::map<std::string_view, std::string_view>& queries() {
  constexpr std::string_view kRelation =
      "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
      "c.relnamespace where n.nspname = $1 and c.relname = $2";
  constexpr std::string_view kType =
      "select 1 from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = "
      "t.typnamespace where n.nspname = $1 and t.typname = $2";
  constexpr std::string_view kRoutine =
      "select 1 from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = "
      "p.pronamespace where n.nspname = $1 and p.proname || '(' || coalesce((select "
      "pg_catalog.string_agg(pg_catalog.format_type(a.t, null), ', ' order by a.i) from "
      "pg_catalog.unnest(p.proargtypes::oid[]) with ordinality as a(t, i)), '') || ')' = "
      "pg_catalog.replace($2, '(*)', '()')";
  constexpr std::string_view kCollation =
      "select 1 from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = "
      "c.collnamespace where n.nspname = $1 and c.collname = $2";
  constexpr std::string_view kOperatorClass =
      "select 1 from pg_catalog.pg_opclass c join pg_catalog.pg_namespace n on n.oid = "
      "c.opcnamespace where n.nspname = $1 and c.opcname = $2";
  constexpr std::string_view kTextSearch =
      "select 1 from pg_catalog.pg_ts_config c join pg_catalog.pg_namespace n on n.oid = "
      "c.cfgnamespace where n.nspname = $1 and c.cfgname = $2";
  static const std::map<std::string_view, std::string_view> all{
      {"TABLE", kRelation},
      {"FOREIGN TABLE", kRelation},
      {"VIEW", kRelation},
      {"MATERIALIZED VIEW", kRelation},
      {"SEQUENCE", kRelation},
      {"TYPE", kType},
      {"DOMAIN", kType},
      {"SHELL TYPE", kType},
      {"FUNCTION", kRoutine},
      {"PROCEDURE", kRoutine},
      {"AGGREGATE", kRoutine},
      {"COLLATION", kCollation},
      {"OPERATOR CLASS", kOperatorClass},
      {"TEXT SEARCH CONFIGURATION", kTextSearch},
      {"EXTENSION", "select 1 from pg_catalog.pg_extension where extname = $2 and $1 = ''"},
      {"ACCESS METHOD", "select 1 from pg_catalog.pg_am where amname = $2 and $1 = ''"},
      {"SERVER", "select 1 from pg_catalog.pg_foreign_server where srvname = $2 and $1 = ''"},
      {"PROCEDURAL LANGUAGE",
       "select 1 from pg_catalog.pg_language where lanname = $2 and $1 = ''"},
  };
  return all;
}

bool exists(Connection& session, const TocEntry& entry) {
  const auto query = queries().find(entry.desc);
  if (query == queries().end()) return true;
  return session.query(std::string(query->second), {entry.schema.value_or(""), entry.tag}).rows() >
         0;
}

}  // namespace

std::vector<std::string> missing_objects(Connection& session, const ArchiveHeader& archive,
                                         const std::vector<int>& ids) {
  std::vector<std::string> missing;
  for (const int id : ids) {
    const TocEntry* entry = archive.find(id);
    if (entry == nullptr || exists(session, *entry)) continue;
    const std::string name = entry->schema ? *entry->schema + "." + entry->tag : entry->tag;
    missing.push_back(lower(entry->desc) + " " + printable(name));
  }
  return missing;
}

bool schema_exists(Connection& session, const std::string& schema) {
  return session.query("select 1 from pg_catalog.pg_namespace where nspname = $1", {schema})
             .rows() > 0;
}

}  // namespace pgstow::pg
